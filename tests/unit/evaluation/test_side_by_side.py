from html.parser import HTMLParser

import pytest

from zhanggui.evaluation.bootstrap import Figure
from zhanggui.evaluation.copy_quality import CopyQuality, evaluate
from zhanggui.evaluation.copy_rows import CopyRow
from zhanggui.evaluation.metrics import METRICS, Metric
from zhanggui.evaluation.side_by_side import printed, render, verdict
from zhanggui.evaluation.source import from_row

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ rows }}{% raw %}\x00\u202e</style></p>"


class Page(HTMLParser):
    """Tags, their attributes and the text of a page; unclosed or crossed tags are errors."""

    void = frozenset({"meta", "input", "br", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def quality(text: str = "A navy linen shirt, 50% off.", reference: str | None = "A sage linen shirt.", count: int = 4) -> CopyQuality:  # fmt: skip
    source = from_row({"about": "Linen Shirt", "facts": {"colour": "sage", "material": "linen"}})
    row = CopyRow(place="asked.jsonl:1", language="en", source=source, reference=reference, texts={"old": text, "new": reference or ""})  # fmt: skip
    return evaluate([row] * count, values=["navy"], replicates=20)


def test_the_page_shows_figures_samples_and_marks_in_both_languages() -> None:
    page = Page(render(quality(), samples=2))
    text = " ".join(page.text)
    for word in ("Copy side by side", "文案并排对比", "attributes covered", "属性覆盖率", "reference", "参考文案", "asked.jsonl:1", "未提及", "没有依据"):  # fmt: skip
        assert word in text
    assert page.tags.count("article") == 2
    assert page.tags.count("section") == 2 * 3
    for mark in ("covered", "unsupported", "claim"):
        assert ("class", mark) in page.attributes


def test_nothing_that_a_model_or_a_customer_wrote_becomes_markup() -> None:
    calm = Page(render(quality(), title="t"))
    found = quality(HOSTILE, HOSTILE)
    row = CopyRow(
        place=HOSTILE,
        language="en",
        source=from_row({"about": HOSTILE, "facts": {HOSTILE: HOSTILE, "colour": "sage"}}),
        reference=HOSTILE,
        texts={HOSTILE: HOSTILE, "new": HOSTILE},
    )
    found = evaluate([row] * 4, values=[HOSTILE], replicates=10)
    page = Page(html := render(found, title=HOSTILE))
    assert set(page.tags) <= set(calm.tags)
    assert not {name for name, _ in page.attributes} - {name for name, _ in calm.attributes}
    assert "script" not in page.tags
    assert "\x00" not in html
    assert "\u202e" not in html
    assert "{{ rows }}" in " ".join(page.text)


def test_the_page_needs_nothing_but_itself() -> None:
    html = render(quality())
    assert "default-src 'none'" in html
    assert not {name for name, _ in Page(html).attributes} & {"src", "href", "srcset", "onclick", "onload"}
    assert "url(" not in html
    assert "@import" not in html


def test_a_reference_that_only_some_rows_have_stands_with_its_row() -> None:
    found = quality(reference="The only one.", count=1)
    without = quality(reference=None, count=1)
    mixed = evaluate([*found.rows, *without.rows], replicates=10)
    page = Page(render(mixed))
    assert " ".join(page.text).count("The only one.") == 2  # as the reference, and as what `new` says
    assert "nothing was written" in " ".join(page.text)


def test_same_seed_same_page() -> None:
    assert render(quality(), seed=3) == render(quality(), seed=3)


METRIC = {one.name: one for one in METRICS}


@pytest.mark.parametrize(
    ("metric", "low", "high", "found"),
    [
        (METRIC["rouge_l_words"], 0.1, 0.3, "better"),
        (METRIC["rouge_l_words"], -0.3, -0.1, "worse"),
        (METRIC["perplexity"], -0.3, -0.1, "better"),
        (METRIC["perplexity"], 0.1, 0.3, "worse"),
        (METRIC["perplexity"], -0.1, 0.3, ""),
        (METRIC["length"], 0.1, 0.3, ""),
    ],
)
def test_a_difference_counts_only_where_its_interval_leaves_out_zero(metric: Metric, low: float, high: float, found: str) -> None:  # fmt: skip
    assert verdict(metric, Figure(value=0.2, low=low, high=high)) == found


def test_shares_are_printed_in_hundredths_and_counts_as_they_are() -> None:
    one = Figure(value=0.08012, low=0.07, high=0.09)
    assert printed(METRIC["bleu_4_characters"], one) == ("8.01", "7.0–9.0")
    assert printed(METRIC["unsupported_attributes"], one) == ("0.08", "0.07–0.09")
    assert printed(METRIC["rouge_1_words"], one, sign=True) == ("+8.01", "+7.00 … +9.00")
