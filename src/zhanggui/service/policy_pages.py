"""The policy pages of a shop: Markdown files in one folder, read again when they change. Knows no conversation."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from zhanggui.catalog.product import Language
from zhanggui.errors import PageError
from zhanggui.service.policy_file import read_page
from zhanggui.service.policy_page import PolicySection
from zhanggui.service.policy_search import PolicyIndex, index, search

_State = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The pages as they were when last looked at."""

    files: _State
    sections: tuple[PolicySection, ...]
    problems: tuple[PageError, ...]
    by_language: dict[Language, PolicyIndex]


@dataclass(kw_only=True)
class PolicyPages:
    """The pages in `folder`; `language` is of those that name none. Safe to share between threads."""

    folder: Path
    language: Language
    _read: _Read | None = None
    _lock: Lock = field(default_factory=Lock)

    def sections(self) -> tuple[PolicySection, ...]:
        """Every section as it stands in the files now, by page and language."""
        return self._now().sections

    def problems(self) -> tuple[PageError, ...]:
        """Why pages cannot be read; the others can."""
        return self._now().problems

    def search(self, text: str, language: Language, *, limit: int = 3) -> list[PolicySection]:
        """The sections that say most of it, the best first: in this language, or where it has no page, in the other."""
        by_language = self._now().by_language
        own = by_language.get(language)
        pages = own if own is not None else next(iter(by_language.values()), None)
        return [] if pages is None else [section for section, _score in search(pages, text, limit=limit)]

    def cited(self, citation: str, language: Language) -> PolicySection | None:
        """The section that an answer cited, as it stands now; None when there is none any more."""
        cited = [section for section in self.sections() if section.citation == citation]
        return next((section for section in cited if section.language == language), cited[0] if cited else None)

    def _now(self) -> _Read:
        with self._lock:
            files = self._files()
            if self._read is None or self._read.files != files:
                self._read = self._fresh(files)
            return self._read

    def _files(self) -> _State:
        stats = [(path, path.stat()) for path in sorted(self.folder.glob("*.md")) if path.is_file()]
        return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)

    def _fresh(self, files: _State) -> _Read:
        sections: list[PolicySection] = []
        problems: list[PageError] = []
        for path, _changed, _size in files:
            try:
                sections += read_page(Path(path), language=self.language)
            except PageError as error:
                problems.append(error)
        languages = sorted({section.language for section in sections}, key=lambda one: one != self.language)
        by_language = {one: index([each for each in sections if each.language == one]) for one in languages}
        return _Read(files=files, sections=tuple(sections), problems=tuple(problems), by_language=by_language)
