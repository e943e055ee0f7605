"""The copies of a run, kept as an artifact whose version is the run's id. Does not know what a run is."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from zhanggui.content.brief import Brief
from zhanggui.content.claims import Claim
from zhanggui.content.select_variant import Candidate
from zhanggui.content.settings import ContentSettings
from zhanggui.content.write import Copy, Written
from zhanggui.storage import Artifact, ArtifactStore

_NAME = "copies"
_COPIES = "copies.json"
_EXAMINED = "candidates.jsonl"


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A text that a model wrote for a brief, the reasons against it, and whether it was used."""

    brief: Brief
    text: str
    reasons: tuple[str, ...]
    used: bool


def keep(
    artifacts: ArtifactStore, run_id: str, written: Written, *, settings: ContentSettings, model: str, now: datetime
) -> Artifact:
    """Keep what was `written` for a run by the model of this identity ("" for none); its metrics count it."""
    config = {"content": asdict(settings), "model": model}
    with artifacts.create(_NAME, run_id, now=now, config=config, data_hash=run_id) as draft:
        rows = {brief_id: asdict(copy) for brief_id, copy in written.copies.items()}
        (draft.path / _COPIES).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        (draft.path / _EXAMINED).write_text("".join(_examined_rows(written)), encoding="utf-8")
        draft.metrics.update(_counted(written))
    return kept(artifacts, run_id)


def kept(artifacts: ArtifactStore, run_id: str) -> Artifact:
    """What was kept of a run. Raises ArtifactError when it has written nothing yet."""
    return artifacts.get(_NAME, run_id)


def read(artifact: Artifact) -> dict[str, Copy]:
    """The copies of a run, by brief id."""
    rows = json.loads((artifact.path / _COPIES).read_text(encoding="utf-8"))
    return {
        brief_id: Copy(
            **{
                **row,
                "brief": _brief(row["brief"]),
                "claims": tuple(Claim(**claim) for claim in row["claims"]),
                "checks": tuple(row["checks"]),
            }
        )
        for brief_id, row in rows.items()
    }


def examined(artifact: Artifact) -> Iterator[Examined]:
    """Every text that a model wrote for a run, also those that were refused; of runs that kept none, nothing."""
    if _EXAMINED in artifact.files:
        for line in (artifact.path / _EXAMINED).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Examined(
                brief=_brief(row["brief"]), text=row["text"], reasons=tuple(row["reasons"]), used=row["used"]
            )


def _examined_rows(written: Written) -> Iterator[str]:
    for brief_id, candidates in written.examined.items():
        copy = written.copies[brief_id]
        for candidate in candidates:
            yield json.dumps(_examined_row(copy, candidate), ensure_ascii=False) + "\n"


def _examined_row(copy: Copy, candidate: Candidate) -> Mapping[str, Any]:
    return {
        "brief": asdict(copy.brief),
        "text": candidate.text,
        "reasons": candidate.reasons,
        "used": copy.source == "model" and candidate.text == copy.pitch,
    }


def _counted(written: Written) -> dict[str, Any]:
    sources = Counter(copy.source for copy in written.copies.values())
    return {
        "briefs": len(written.copies),
        "from_model": sources["model"],
        "templates": _templates(written.copies.values()),
        "prompt_tokens": written.prompt_tokens,
        "completion_tokens": written.completion_tokens,
        "candidates": written.candidates,
        "passed": written.passed,
        "rejected": dict(written.rejected),
    }


def _templates(copies: Iterable[Copy]) -> dict[str, int]:
    """Briefs that templates wrote, by "language:why"."""
    return dict(Counter(f"{copy.brief.language}:{copy.why_template}" for copy in copies if copy.source == "template"))


def _brief(data: Mapping[str, Any]) -> Brief:
    return Brief(**{**data, "product": tuple((name, value) for name, value in data["product"])})
