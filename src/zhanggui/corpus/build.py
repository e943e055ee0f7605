"""From files to a corpus: read, clean, mask, drop duplicates, split 8:1:1, look for leaks, and write a data card.

The card is written whatever comes, also when what is left cannot be split. Does not annotate.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zhanggui.corpus import card, parts
from zhanggui.corpus.clean import clean, language
from zhanggui.corpus.counted import counted
from zhanggui.corpus.dedupe import clusters, crossing, same
from zhanggui.corpus.document import Document, Part
from zhanggui.corpus.mask import mask, masked_fields
from zhanggui.corpus.read import Columns, FileRead, read
from zhanggui.corpus.split import group_key, split
from zhanggui.errors import CorpusError
from zhanggui.storage import RejectFile

Progress = Callable[[str, int, int | None], None]
"""Told a step, how many more texts it has done, and of how many (None: not known)."""
Documents = Callable[[RejectFile], Iterable[Document]]
"""Gives the documents; puts what it refuses into the reject file."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was made: the folder's files are train.jsonl, validation.jsonl, test.jsonl, card.json, card.md, maybe rejects.jsonl."""

    folder: Path
    card: dict[str, Any]


def build(paths: Sequence[Path], columns: Columns, out: Path, **options: Any) -> Built:
    """Build a corpus from files into the folder `out`; options as of `build_from`.

    Raises CorpusError when a file cannot be read or what is left cannot be split.
    """
    names = Counter(path.name for path in paths)
    files = [FileRead(name=path.name if names[path.name] == 1 else path.as_posix()) for path in paths]

    def documents(rejects: RejectFile) -> Iterable[Document]:
        seen: set[str] = set()
        for path, found in zip(paths, files, strict=True):
            yield from read(path, columns, rejects=rejects, seen=seen, found=found)

    return build_from(documents, out, files=files, **options)


def build_from(
    documents: Documents,
    out: Path,
    *,
    files: Sequence[FileRead] = (),
    seed: int = 7,
    shortest: int = 4,
    threshold: float = 0.8,
    licence: str = "",
    progress: Progress = lambda _step, _done, _total: None,
) -> Built:
    """Build a corpus from documents into the folder `out`.

    `files` are named in the card as `documents` left them. `shortest`: characters that a text must have after cleaning.
    `threshold`: Jaccard similarity that makes a near duplicate. `licence`: of the texts, for the card.
    Groups whose names differ in case, spaces or width alone are one, under the name that comes first.
    Raises CorpusError when what is left cannot be split; the card is there all the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts.remove(out)
    (out / "rejects.jsonl").unlink(missing_ok=True)
    masked: Counter[str] = Counter()
    dropped = dict.fromkeys(("too_short", "exact_duplicates", "near_duplicates", "leaks"), 0)
    rows = []
    names: dict[str, str] = {}
    with RejectFile(path=out / "rejects.jsonl") as rejects:
        for document in counted(documents(rejects), lambda done: progress("read", done, None)):
            text, found = mask(clean(document.text))
            masked.update(found)
            document, found = masked_fields(document)
            masked.update(found)
            if len(text) < shortest:
                dropped["too_short"] += 1
            else:
                group = names.setdefault(group_key(document.group), document.group)
                rows.append(replace(document, text=text, group=group, language=language(text)))
    texts = [one.text for one in rows]
    alike = clusters(texts, threshold=threshold, progress=lambda done: progress("duplicates", done, len(texts)))
    unique = [place for place, first in enumerate(alike) if place == first]
    dropped["exact_duplicates"] = sum(place != first for place, first in enumerate(same(texts)))
    dropped["near_duplicates"] = len(rows) - len(unique) - dropped["exact_duplicates"]
    # Groups of dropped duplicates still bind: their product stays on one side with the text that was kept.
    chosen = split(rows, alike, seed=seed)
    kept = [(rows[place], chosen[place]) for place in unique]
    kept, checked = _without_leaks(kept, threshold, progress)
    dropped["leaks"] = checked["removed"]
    found_card: dict[str, Any] = {
        "files": [one.__dict__ for one in files],
        "licence": licence,
        "seed": seed,
        **card.figures(kept),
        "rejected": {"rows": rejects.count, "reasons": dict(Counter(rejects.reasons).most_common(20))},
        "dropped": dropped,
        "personal_data_masked": dict(masked.most_common()),
        "leaks": checked,
    }
    found_card["notes"] = card.notes(found_card)
    card.write(out, found_card, kept)
    _check(found_card, kept, out)
    parts.write(out, {part: [one for one, mine in kept if mine == part] for part in parts.PARTS})
    return Built(folder=out, card=found_card)


def _without_leaks(
    kept: list[tuple[Document, Part]], threshold: float, progress: Progress
) -> tuple[list[tuple[Document, Part]], dict[str, Any]]:
    """Look anew for texts that resemble one of another part; those that the first look missed go, from training first."""
    texts, sides = [one.text for one, _ in kept], [part for _, part in kept]
    pairs = crossing(texts, sides, threshold=threshold, progress=lambda done: progress("leaks", done, len(texts)))
    gone = {place for place, _ in pairs}
    left = [one for place, one in enumerate(kept) if place not in gone]
    groups = {part: {one.group for one, mine in left if mine == part} for part in parts.PARTS}
    train, validation, test = groups.values()
    return left, {
        "groups_in_two_parts": len((train & validation) | (train & test) | (validation & test)),
        "near_duplicates_in_two_parts": sum(not gone & set(pair) for pair in pairs),
        "texts_compared": len(texts),
        "removed": len(gone),
        "jaccard_from": threshold,
    }


def _check(found: dict[str, Any], kept: Sequence[tuple[Document, Part]], out: Path) -> None:
    if all(found["parts"].values()):
        return
    groups = {one.group for one, _ in kept}
    if not kept:
        problem = (
            f"no text is left of {found['rejected']['rows']} rows refused and {found['dropped']['too_short']} too short"
        )
        most = next(iter(found["rejected"]["reasons"]), "")
        hint = (f"most often: {most}; " if most else "") + f"{out / 'card.md'} and {out / 'rejects.jsonl'} say why"
        hint += "; is the text in another column (--text)?" if "column is missing" in most else ""
    elif len(groups) < 3:
        problem = f"all {len(kept)} texts are about {len(groups)} group(s), such as {sorted(groups)[0][:40]!r}: they cannot be split 8:1:1 without a group on both sides"
        hint = "name another column with --group, leave --group out to split text by text, or add texts about more products"
    else:
        problem = f"the {len(groups)} groups hang together by texts that resemble each other, and cannot be split 8:1:1"
        hint = "add texts about more products, or leave --group out"
    raise CorpusError(problem, hint=hint, source=str(out))
