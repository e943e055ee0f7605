"""How good copy is: relevance, diversity, fluency and faithfulness of one or several systems, with bootstrap intervals.

Composes the metrics of its neighbours; counts nothing itself and writes no copy.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from zhanggui.evaluation import overlap
from zhanggui.evaluation.bootstrap import Figure, Statistic, difference, figure, mean, resample
from zhanggui.evaluation.copy_rows import REFERENCE, CopyRow
from zhanggui.evaluation.diversity import distinct_by_text, repetition_by_text, units
from zhanggui.evaluation.faithfulness import unsupported_claims
from zhanggui.evaluation.fluency import Scorer, perplexity
from zhanggui.evaluation.metrics import METRICS
from zhanggui.evaluation.ngrams import count
from zhanggui.evaluation.relevance import Attributes, Embed, Relevance, similarity
from zhanggui.evaluation.source import vocabulary
from zhanggui.evaluation.words import characters, words


@dataclass(frozen=True, kw_only=True)
class CopyQuality:
    """Figures of each column: the systems, and before them the references where every row has one."""

    rows: Sequence[CopyRow]
    columns: tuple[str, ...]
    figures: Mapping[str, Mapping[str, Figure]]
    """Metric -> column -> figure. Metrics that could not be measured are not there."""
    differences: Mapping[str, Mapping[str, Figure]]
    """Metric -> system -> what it has more than the first system, paired by rows."""
    relevance: Mapping[str, Sequence[Relevance | None]]
    """Column -> by row; None where the source has no attributes."""
    claims: Mapping[str, Sequence[tuple[str, ...]]]
    """Column -> by row, the phrases of unsupported claims."""

    @property
    def systems(self) -> tuple[str, ...]:
        """The columns but for the references."""
        return tuple(one for one in self.columns if one != REFERENCE)

    def to_json(self) -> dict[str, Any]:
        """Figures and differences as plain data, by system."""
        return {
            "rows": len(self.rows),
            "figures": _by_column(self.figures),
            "differences": {"from": self.systems[0], "of": _by_column(self.differences)},
        }


def evaluate(
    rows: Sequence[CopyRow],
    *,
    values: Iterable[str] = (),
    embed: Embed | None = None,
    scorer: Scorer | None = None,
    replicates: int = 1000,
    seed: int = 7,
) -> CopyQuality:
    """Measure what every system wrote for n rows.

    `values` adds to the vocabulary of attribute values, which the rows' own sources make. `embed` and `scorer` are what
    similarity in meaning and perplexity need. A seed fixes the intervals. Raises EvaluationError.
    """
    columns: dict[str, list[str]] = {name: [row.texts[name] for row in rows] for name in rows[0].texts}
    systems = tuple(columns)
    references = [row.reference for row in rows if row.reference is not None]
    if len(references) == len(rows):
        columns = {REFERENCE: references, **columns}
    relevance = _relevance(rows, columns, values)
    claims = _claims(rows, columns)
    found: dict[tuple[str, str], Statistic] = {}

    def add(metric: str, column: str, statistic: Statistic) -> None:
        found[metric, column] = statistic

    _add_relevance(add, relevance)
    if embed is not None:
        _add_similarity(add, rows, columns, embed)
    _add_overlap(add, rows, {name: columns[name] for name in systems})
    _add_diversity(add, columns)
    for name, texts in columns.items():
        if scorer is not None:
            add("perplexity", name, perplexity(texts, scorer))
        known = np.array([row.source is not None for row in rows])
        if known.any():
            add("unsupported_claims", name, mean(np.array([bool(one) for one in claims[name]], dtype=float), known))
        add("length", name, mean(np.array([len(text) for text in texts], dtype=float)))
    resampled = dict(zip(found, resample(list(found.values()), replicates=replicates, seed=seed), strict=True))
    figures: dict[str, dict[str, Figure]] = {}
    differences: dict[str, dict[str, Figure]] = {}
    for metric in (one.name for one in METRICS):
        for name in columns:
            key = metric, name
            if key in found:
                figures.setdefault(metric, {})[name] = figure(found[key], resampled[key])
            if key in found and name in systems[1:]:
                first = metric, systems[0]
                differences.setdefault(metric, {})[name] = difference(
                    (found[key], resampled[key]), (found[first], resampled[first])
                )
    return CopyQuality(
        rows=rows,
        columns=tuple(columns),
        figures=figures,
        differences=differences,
        relevance=relevance,
        claims=claims,
    )


_Add = Callable[[str, str, Statistic], None]
_Columns = Mapping[str, list[str]]


def _relevance(rows: Sequence[CopyRow], columns: _Columns, values: Iterable[str]) -> dict[str, list[Relevance | None]]:
    known = Attributes(vocabulary(row.source for row in rows if row.source) | frozenset(values))
    return {
        name: [
            known.relevance(text, row.source) if row.source and row.source.attributes else None
            for row, text in zip(rows, texts, strict=True)
        ]
        for name, texts in columns.items()
    }


def _claims(rows: Sequence[CopyRow], columns: _Columns) -> dict[str, list[tuple[str, ...]]]:
    known = [number for number, row in enumerate(rows) if row.source]
    sources = [row.source for row in rows if row.source]
    found = {}
    for name, texts in columns.items():
        each: list[tuple[str, ...]] = [()] * len(rows)
        for number, phrases in zip(known, unsupported_claims([texts[one] for one in known], sources), strict=True):
            each[number] = phrases
        found[name] = each
    return found


def _add_relevance(add: _Add, relevance: Mapping[str, Sequence[Relevance | None]]) -> None:
    for name, each in relevance.items():
        known = np.array([one is not None for one in each])
        if known.any():
            add("attribute_coverage", name, mean(np.array([one.coverage if one else 0.0 for one in each]), known))
            extra = np.array([len(one.unsupported) if one else 0 for one in each], dtype=float)
            add("unsupported_attributes", name, mean(extra, known))


def _add_similarity(add: _Add, rows: Sequence[CopyRow], columns: _Columns, embed: Embed) -> None:
    known = np.array([row.source is not None for row in rows])
    sources = [row.source for row in rows if row.source]
    for name, texts in columns.items():
        if sources:
            each = np.zeros(len(rows))
            each[known] = similarity([text for text, has in zip(texts, known, strict=True) if has], sources, embed)
            add("similarity", name, mean(each, known))


def _add_overlap(add: _Add, rows: Sequence[CopyRow], columns: _Columns) -> None:
    """Against the references: characters of Chinese rows, words of all."""
    has = np.array([row.reference is not None for row in rows])
    chinese = has & np.array([row.language == "zh" for row in rows])
    texts = [[row.reference or "" for row in rows], *columns.values()]
    for unit, valid in (("characters", chinese), ("words", has)):
        if not valid.any():
            continue
        sets = [_cut(unit, [text if one else "" for text, one in zip(of, valid, strict=True)], rows) for of in texts]
        wanted, *said = count(*sets)
        for name, mine in zip(columns, said, strict=True):
            statistics = overlap.bleu_statistics(wanted, mine)
            add(f"bleu_4_{unit}", name, mean(overlap.bleu_of_texts(statistics), valid))
            whole = Statistic(columns=statistics.astype(np.float64), of=overlap.bleu_of_sums, counted=int(valid.sum()))
            add(f"corpus_bleu_4_{unit}", name, whole)
            for n in (1, 2):
                add(f"rouge_{n}_{unit}", name, mean(overlap.rouge_n_of_texts(wanted, mine, n), valid))
            add(f"rouge_l_{unit}", name, mean(overlap.rouge_l_of_texts(wanted, mine), valid))


def _add_diversity(add: _Add, columns: _Columns) -> None:
    counted = count(*([units(text) for text in texts] for texts in columns.values()))
    for name, mine in zip(columns, counted, strict=True):
        for n in (1, 2, 3, 4):
            add(f"distinct_{n}", name, _share(mean(distinct_by_text(mine, n))))
        add("self_bleu_4", name, mean(overlap.self_bleu_of_texts(mine)))
        add("repetition_4", name, mean(repetition_by_text(mine, 4)))


def _share(one: Statistic) -> Statistic:
    """The statistic kept within what a share can be: what a jackknife stands in for can leave it where texts are few."""
    return replace(one, of=lambda sums: np.clip(one.of(sums), 0.0, 1.0))


def _cut(unit: str, texts: Sequence[str], rows: Sequence[CopyRow]) -> list[list[str]]:
    if unit == "characters":
        return [characters(text) for text in texts]
    found: list[list[str]] = [[] for _ in texts]
    for language in ("zh", "en"):
        mine = [number for number, row in enumerate(rows) if row.language == language]
        for number, tokens in zip(mine, words([texts[one] for one in mine], language), strict=True):
            found[number] = tokens
    return found


def _by_column(figures: Mapping[str, Mapping[str, Figure]]) -> dict[str, dict[str, dict[str, float | None]]]:
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for metric, each in figures.items():
        for name, one in each.items():
            found.setdefault(name, {})[metric] = {
                key: None if math.isnan(number) else number for key, number in asdict(one).items()
            }
    return found
