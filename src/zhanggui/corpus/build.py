"""From files to a corpus: read, clean, mask, drop duplicates, split 8:1:1, and write a data card."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zhanggui.corpus.clean import clean, language, mask
from zhanggui.corpus.dedupe import clusters
from zhanggui.corpus.document import Document
from zhanggui.corpus.read import Columns, read
from zhanggui.corpus.split import SHARES, split
from zhanggui.errors import CorpusError
from zhanggui.storage import RejectFile


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was made: the folder's files are train.jsonl, validation.jsonl, test.jsonl, card.json, card.md, maybe rejects.jsonl."""

    folder: Path
    card: dict[str, Any]


def build(
    paths: Sequence[Path], columns: Columns, out: Path, *, seed: int = 7, shortest: int = 4, threshold: float = 0.8
) -> Built:
    """Build a corpus into the folder `out`. Raises CorpusError when a file cannot be read or too little is left.

    `shortest`: characters that a text must have after cleaning. `threshold`: similarity that makes a duplicate.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with RejectFile(path=out / "rejects.jsonl") as rejects:
        rows = (row for path in paths for row in read(path, columns, rejects=rejects))
        documents = [kept for row in rows if (kept := _clean(row, counts, shortest)) is not None]
        rejected = {"rows": rejects.count, "reasons": dict(rejects.reasons)}
    alike = clusters([one.text for one in documents], threshold=threshold)
    unique = [place for place, first in enumerate(alike) if place == first]
    counts["duplicates"] = len(documents) - len(unique)
    # Groups of dropped duplicates still bind: their product stays on one side with the text that was kept.
    parts = split(documents, alike, seed=seed)
    texts = [(documents[place], parts[place]) for place in unique]
    groups = {part: {one.group for one, mine in texts if mine == part} for part in SHARES}
    if len({one.group for one, _ in texts}) < 3:
        raise CorpusError(
            f"{len(texts)} texts of {len({one.group for one, _ in texts})} group(s) cannot be split 8:1:1 without a group on both sides"
        )
    for part in SHARES:
        lines = [json.dumps(one.row(), ensure_ascii=False) for one, mine in texts if mine == part]
        (out / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    lengths = sorted(len(one.text) for one, _ in texts)
    card: dict[str, Any] = {
        "files": [str(path.name) for path in paths],
        "seed": seed,
        "texts": len(texts),
        "rejected": rejected,
        "dropped": {"too_short": counts["too_short"], "duplicates": counts["duplicates"]},
        "personal_data_masked": counts["masked"],
        "characters": {name: lengths[int(share * (len(lengths) - 1))] for name, share in (("median", 0.5), ("p95", 0.95), ("longest", 1))},
        "languages": dict(Counter(one.language for one, _ in texts).most_common()),
        "labels": dict(Counter(one.label for one, _ in texts if one.label).most_common(50)),
        "parts": {part: sum(mine == part for _, mine in texts) for part in SHARES},
        "groups_in_two_parts": len((groups["train"] & groups["validation"]) | (groups["train"] & groups["test"]) | (groups["validation"] & groups["test"])),
    }  # fmt: skip
    (out / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
    (out / "card.md").write_text(_page(card, texts), encoding="utf-8")
    return Built(folder=out, card=card)


def _clean(document: Document, counts: Counter[str], shortest: int) -> Document | None:
    text, masked = mask(clean(document.text))
    counts["masked"] += masked
    if len(text) < shortest:
        counts["too_short"] += 1
        return None
    return replace(document, text=text, language=language(text))


def _page(card: dict[str, Any], kept: Sequence[tuple[Document, str]]) -> str:
    lines = ["# Data card", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {json.dumps(value, ensure_ascii=False)} |" for name, value in card.items()]
    lines += ["", "Twenty texts to check by eye:", ""]
    step = max(1, len(kept) // 20)
    lines += [f"- {part}, {one.source}: {one.text[:160]}" for one, part in kept[::step][:20]]
    return "\n".join(lines) + "\n"
