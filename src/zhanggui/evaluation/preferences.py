"""Which of two texts for one brief is better, for `zhanggui train preference`: told by the checks, and by clicks.

Reads what runs left behind: examined candidates, sent messages, responses. Trains nothing, and holds nothing of a customer.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from zhanggui.campaigns import store
from zhanggui.campaigns.learn import responses
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.content import copies
from zhanggui.content.brief import Brief
from zhanggui.content.copies import Examined
from zhanggui.delivery import outbox
from zhanggui.storage import Artifact

Row = dict[str, Any]
"""A brief's fields, `chosen`, `rejected`, `source` ("checks" or "clicks") and `why`."""


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """How many comparisons there are."""

    checks: int
    """Told by the checks."""
    clicks: int
    """Told by clicks."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How one text for one brief was received."""

    brief: Brief
    text: str
    sent: int
    """Messages with it that left, and whose attribution window is over."""
    clicked: int


def write(
    parts: RunParts, path: Path, names: Sequence[str] = (), *, minimum: int = 200, false_discoveries: float = 0.05
) -> Comparisons:
    """Write comparisons as JSON lines from the runs of some campaigns, or of all; how many there are.

    Raises NotFoundError for an unknown campaign.
    """
    with parts.database.reading() as connection:
        for name in names:
            store.get(connection, name)
        runs = [run for name in names or store.names(connection) for run in store.runs_of(connection, name)]
    rows = [
        *from_checks(candidates_of(parts, runs)),
        *from_clicks(shown_by(parts, runs), minimum=minimum, false_discoveries=false_discoveries),
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    sources = Counter(row["source"] for row in rows)
    return Comparisons(checks=sources["checks"], clicks=sources["clicks"])


def from_checks(candidates: Iterable[Examined]) -> Iterator[Row]:
    """The text that was used before each text for the same brief that a check refused."""
    by_brief: dict[str, list[Examined]] = defaultdict(list)
    for candidate in candidates:
        by_brief[candidate.brief.brief_id].append(candidate)
    for examined in by_brief.values():
        used = sorted({candidate.text for candidate in examined if candidate.used})
        refused = {candidate.text: candidate.reasons for candidate in examined if candidate.reasons and candidate.text}
        for chosen in used:
            for rejected, reasons in sorted(refused.items()):
                yield _row(examined[0].brief, chosen, rejected, source="checks", why=", ".join(reasons))


def from_clicks(shown: Sequence[Shown], *, minimum: int, false_discoveries: float) -> list[Row]:
    """The text with the higher click rate before the other for the same brief, where it is no chance.

    Both were sent at least `minimum` times. Fisher's exact test, one-sided, of every ordered pair, and of those found at
    most a share `false_discoveries` is expected to be chance (Benjamini and Hochberg 1995). A run sends one text a brief,
    so texts are compared across runs: the test cannot tell a better text from a better day.
    """
    from scipy.stats import false_discovery_control, fisher_exact

    by_brief: dict[str, list[Shown]] = defaultdict(list)
    for one in shown:
        if one.sent >= minimum:
            by_brief[one.brief.brief_id].append(one)
    pairs = [pair for found in by_brief.values() for pair in permutations(found, 2)]
    if not pairs:
        return []
    p = [
        fisher_exact([[a.clicked, a.sent - a.clicked], [b.clicked, b.sent - b.clicked]], alternative="greater").pvalue
        for a, b in pairs
    ]
    return [
        _row(
            a.brief,
            a.text,
            b.text,
            source="clicks",
            why=f"{a.clicked} of {a.sent} clicked, against {b.clicked} of {b.sent}",
        )
        for (a, b), adjusted in zip(pairs, false_discovery_control(p), strict=True)
        if adjusted <= false_discoveries
    ]


def candidates_of(parts: RunParts, runs: Iterable[Run]) -> Iterator[Examined]:
    """Every candidate that these runs examined; of runs that kept none, nothing."""
    for artifact in _copies(parts, runs).values():
        yield from copies.examined(artifact)


def shown_by(parts: RunParts, runs: Iterable[Run]) -> list[Shown]:
    """How often each text of these runs was sent and clicked, summed over runs."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    briefs: dict[str, Brief] = {}
    by_id = {run.run_id: run for run in runs}
    for run_id, artifact in _copies(parts, by_id.values()).items():
        run, words = by_id[run_id], copies.read(artifact)
        with parts.database.reading() as connection:
            campaign, _ = store.get(connection, run.campaign, run.version)
            sent = outbox.sent(connection, run_id)
        table = responses(parts, campaign, run)
        over = table.filter(table["mature"])
        clicked = dict(zip(over["decision_id"].to_pylist(), over["clicked"].to_pylist(), strict=True))
        for message in sent:
            copy = words.get(message.document["proof"]["brief_id"])
            # Who refused personalisation after the plan may have got a template's words, which the run did not write.
            if copy is not None and message.decision_id in clicked:
                briefs[copy.brief.brief_id] = copy.brief
                count = counts[copy.brief.brief_id, copy.pitch]
                count[0] += 1
                count[1] += clicked[message.decision_id]
    return [
        Shown(brief=briefs[brief_id], text=text, sent=sent, clicked=clicks)
        for (brief_id, text), (sent, clicks) in sorted(counts.items())
    ]


def _copies(parts: RunParts, runs: Iterable[Run]) -> dict[str, Artifact]:
    """What these runs wrote, by run id; a run that is still under way has none."""
    return {run.run_id: copies.kept(parts.artifacts, run.run_id) for run in runs if "write" in run.results}


def _row(brief: Brief, chosen: str, rejected: str, *, source: str, why: str) -> Row:
    return {
        "language": brief.language,
        "channel": brief.channel,
        "tone": brief.tone,
        "stage": brief.stage,
        "about": brief.about,
        "facts": dict(brief.product),
        "offer": brief.offer_title,
        "chosen": chosen,
        "rejected": rejected,
        "source": source,
        "why": why,
    }
