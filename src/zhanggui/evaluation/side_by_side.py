"""One HTML page of copy side by side: figures with intervals, then samples with marks. Measures nothing.

Texts are untrusted: the template escapes every value, and the page forbids scripts and any other resource to itself.
"""

import math
import re
from importlib.resources import files
from typing import Any

import numpy as np

from zhanggui.evaluation.bootstrap import Figure
from zhanggui.evaluation.copy_quality import CopyQuality
from zhanggui.evaluation.copy_rows import REFERENCE
from zhanggui.evaluation.marks import pieces
from zhanggui.evaluation.metrics import GROUPS, METRICS, Metric

# Signs that HTML forbids, and those that turn the direction of what stands behind them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


UNDEFINED = "n/a"
NOTE = (
    "n/a: not defined. A perplexity needs a text that is not empty, an interval two rows that count.",
    "n/a：无定义。困惑度需要非空文案，区间需要至少两条有效数据。",
)


def render(quality: CopyQuality, *, samples: int = 20, seed: int = 7, title: str = "") -> str:
    """The page: every figure, and `samples` rows drawn by the seed, in the order of the rows."""
    from liquid import Environment, StrictUndefined

    text = (files("zhanggui.evaluation") / "side_by_side.liquid").read_text(encoding="utf-8")
    template = Environment(undefined=StrictUndefined, autoescape=True, extra=True).from_string(text)
    rows = len(quality.rows)
    drawn = np.sort(np.random.default_rng(seed).choice(rows, min(samples, rows), replace=False)).tolist()
    return template.render(
        title=_plain(title),
        rows=rows,
        columns=[_column(name) for name in quality.columns],
        groups=_groups(quality),
        first=_plain(quality.systems[0]),
        others=[_plain(name) for name in quality.systems[1:]],
        differences=_differences(quality),
        note={"en": "", "zh": ""} if is_whole(quality) else dict(zip(("en", "zh"), NOTE, strict=True)),
        samples=[_sample(quality, number) for number in drawn],
    )


def printed(metric: Metric, one: Figure, *, sign: bool = False) -> tuple[str, str]:
    """(value, interval) of a figure as text; `UNDEFINED` stands for what is not a number."""
    if math.isnan(one.value):
        return UNDEFINED, ""
    plus, digits = "+" if sign else "", 1 if metric.scale > 1 and not sign else 2
    value = f"{one.value * metric.scale:{plus}.2f}"
    if math.isnan(one.low):
        return value, UNDEFINED
    low, high = (f"{number * metric.scale:{plus}.{digits}f}" for number in (one.low, one.high))
    return value, f"{low}–{high}" if not sign else f"{low} … {high}"


def is_whole(quality: CopyQuality) -> bool:
    """Whether every figure and difference is defined, so that no `UNDEFINED` is printed."""
    printed_ones = (
        one for of in (quality.figures, quality.differences) for each in of.values() for one in each.values()
    )
    return not any(math.isnan(one.value) or math.isnan(one.low) for one in printed_ones)


def _cell(metric: Metric, one: Figure | None, *, sign: bool = False) -> dict[str, str]:
    value, interval = printed(metric, one, sign=sign) if one else ("", "")
    return {"value": value, "interval": interval}


def _groups(quality: CopyQuality) -> list[dict[str, Any]]:
    found = []
    for group, (english, chinese) in GROUPS.items():
        lines = [
            {
                "en": metric.en,
                "zh": metric.zh,
                "better": metric.better,
                "cells": [_cell(metric, each.get(name)) for name in quality.columns],
            }
            for metric in METRICS
            if metric.group == group and (each := quality.figures.get(metric.name))
        ]
        if lines:
            found.append({"en": english, "zh": chinese, "lines": lines})
    return found


def _differences(quality: CopyQuality) -> list[dict[str, Any]]:
    found = []
    for metric in METRICS:
        each = quality.differences.get(metric.name)
        if each:
            cells = [
                _cell(metric, each[name], sign=True) | {"verdict": verdict(metric, each[name])}
                for name in quality.systems[1:]
            ]
            found.append({"en": metric.en, "zh": metric.zh, "better": metric.better, "cells": cells})
    return found


def verdict(metric: Metric, one: Figure) -> str:
    """ "better" or "worse" where the interval of a difference leaves out zero, else ""."""
    if not metric.better or not (one.low > 0 or one.high < 0):
        return ""
    return "better" if (one.low > 0) == (metric.better == "higher") else "worse"


def _sample(quality: CopyQuality, number: int) -> dict[str, Any]:
    row = quality.rows[number]
    texts = []
    for name in quality.columns:
        text = (row.reference or "") if name == REFERENCE else row.texts[name]
        relevance, claims = quality.relevance[name][number], quality.claims[name][number]
        texts.append(
            _column(name)
            | {
                "pieces": [{"text": _plain(one.text), "mark": one.mark} for one in pieces(text, relevance, claims)],
                "missing": [_plain(one) for one in (relevance.missing if relevance else ())],
                "claims": [_plain(one) for one in claims],
            }
        )
    # Where only some rows have a reference there is no column of them.
    apart = row.reference if row.reference is not None and REFERENCE not in quality.columns else ""
    return {
        "place": _plain(row.place),
        "language": row.language,
        "source": _plain(row.source.text) if row.source else "",
        "reference": _plain(apart),
        "texts": texts,
    }


def _column(name: str) -> dict[str, Any]:
    return {"name": _plain(name), "is_reference": name == REFERENCE}


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
