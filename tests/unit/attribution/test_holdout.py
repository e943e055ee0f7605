"""Treated against holdout: figures are those of scipy and of hand, groups are counted, and the verdict is said in words."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from zhanggui.attribution.holdout import Difference, Lift, lift, newcombe, welch, wilson

RNG = np.random.default_rng(11)
TREATED = np.arange(100) < 80
CONVERTED = np.where(TREATED, np.arange(100) % 4 == 0, np.arange(100) % 10 == 0)
REVENUE = np.where(CONVERTED, 100.0 + np.arange(100), 0.0)


def _lift(**more: object) -> Lift:
    arguments: dict[str, object] = {"share": 0.2} | more
    found = lift(CONVERTED, REVENUE, TREATED, **arguments)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_the_groups_are_compared_by_rate_and_by_revenue() -> None:
    found = _lift()
    assert (found.treated, found.holdout, found.confidence) == (80, 20, 0.95)
    assert (found.conversion.treated, found.conversion.holdout) == (pytest.approx(0.25), pytest.approx(0.1))
    assert found.conversion == newcombe(0.25, 80, 0.1, 20, confidence=0.95)
    assert found.revenue_minor == welch(REVENUE[TREATED], REVENUE[~TREATED], confidence=0.95)


def test_the_confidence_is_the_one_that_was_asked_for() -> None:
    found = _lift(confidence=0.8)
    assert found.confidence == 0.8
    assert found.conversion == newcombe(0.25, 80, 0.1, 20, confidence=0.8)
    assert found.revenue_minor == welch(REVENUE[TREATED], REVENUE[~TREATED], confidence=0.8)
    spread = sqrt(0.22 * 0.78 * (1 / 80 + 1 / 20))
    assert found.detectable == pytest.approx((stats.norm.ppf(0.9) + stats.norm.ppf(0.8)) * spread)


def test_the_smallest_effect_that_would_show_is_that_of_the_formula() -> None:
    spread = sqrt(0.22 * 0.78 * (1 / 80 + 1 / 20))
    assert _lift().detectable == pytest.approx((1.959964 + 0.841621) * spread, rel=1e-5)


def test_where_nobody_or_everybody_buys_an_effect_still_has_a_size_that_would_show() -> None:
    for everybody in (False, True):
        found = lift(np.full(100, everybody), REVENUE, TREATED, share=0.2)
        assert found is not None
        assert 0 < found.detectable < 1e-5


def test_groups_of_another_size_than_planned_are_told() -> None:
    assert _lift(share=0.2).ratio_p == pytest.approx(1.0)
    expected = stats.chisquare([80, 20], [50, 50]).pvalue
    assert _lift(share=0.5).ratio_p == pytest.approx(expected)
    assert expected < 0.001


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_a_planned_share_there_is_no_ratio_to_judge(share: float) -> None:
    assert _lift(share=share).ratio_p == 1.0


@pytest.mark.parametrize(
    ("treated", "there"), [(1, False), (2, True), (98, True), (99, False), (0, False), (100, False)]
)
def test_two_customers_a_group_are_needed(treated: int, there: bool) -> None:
    found = lift(CONVERTED, REVENUE, np.arange(100) < treated, share=0.1)
    assert (found is not None) is there


@pytest.mark.parametrize(("p", "n"), [(0.0, 10), (0.1, 20), (0.5, 7), (1.0, 30)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_of_a_rate_is_wilsons(p: float, n: int, confidence: float) -> None:
    found = stats.binomtest(round(p * n), n).proportion_ci(confidence, method="wilson")
    rate = round(p * n) / n
    assert wilson(rate, n, confidence=confidence) == pytest.approx((found.low, found.high), abs=1e-9)


def test_the_difference_of_rates_is_bounded_by_both_intervals() -> None:
    found = newcombe(0.3, 50, 0.1, 40, confidence=0.9)
    (low1, high1), (low0, high0) = wilson(0.3, 50, confidence=0.9), wilson(0.1, 40, confidence=0.9)
    assert (found.treated, found.holdout, found.difference) == (0.3, 0.1, pytest.approx(0.2))
    assert found.low == pytest.approx(0.2 - sqrt((0.3 - low1) ** 2 + (high0 - 0.1) ** 2))
    assert found.high == pytest.approx(0.2 + sqrt((high1 - 0.3) ** 2 + (0.1 - low0) ** 2))


def test_the_difference_of_means_is_welchs() -> None:
    ours, theirs = RNG.normal(5, 1, 12), RNG.normal(3, 4, 7)
    found = welch(ours, theirs, confidence=0.9)
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.9)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (found.treated, found.holdout) == (pytest.approx(ours.mean()), pytest.approx(theirs.mean()))
    assert found.difference == pytest.approx(ours.mean() - theirs.mean())


def test_means_that_never_vary_differ_by_a_number_without_bounds() -> None:
    found = welch(np.array([5.0, 5.0]), np.array([3.0, 3.0, 3.0]), confidence=0.95)
    assert (found.difference, found.low, found.high) == (2.0, 2.0, 2.0)
    varied = welch(np.array([5.0, 5.0]), np.array([3.0, 3.1]), confidence=0.95)
    assert varied.low < varied.difference < varied.high


@pytest.mark.parametrize(
    ("low", "high", "apart"),
    [(0.01, 0.2, True), (0.0, 0.2, False), (-0.1, 0.1, False), (-0.2, 0.0, False), (-0.2, -0.01, True)],
)
def test_an_effect_is_told_apart_where_its_interval_leaves_zero_out(low: float, high: float, apart: bool) -> None:
    assert Difference(treated=0, holdout=0, difference=0, low=low, high=high).told_apart is apart


def _said(difference: float, low: float, high: float, language: str) -> str:
    nothing = Difference(treated=0, holdout=0, difference=0, low=0, high=0)
    conversion = Difference(treated=0.2, holdout=0.1, difference=difference, low=low, high=high)
    return Lift(
        treated=100,
        holdout=100,
        conversion=conversion,
        revenue_minor=nothing,
        confidence=0.9,
        detectable=0.0312,
        ratio_p=1.0,
    ).in_words(language)


@pytest.mark.parametrize(
    ("figures", "english", "chinese"),
    [
        (
            (0.05, -0.01, 0.11),
            "No effect can be told apart from chance: treated minus holdout is +5.00% (90%: -1.00% – +11.00%) in "
            "conversion; an effect below 3.1% would not show with this many customers.",
            "触达组与对照组的购买率之差为 +5.00% (90%: -1.00% – +11.00%)，与偶然无法区分；小于 3.1% 的效果本来就看不出来。",
        ),
        (
            (0.05, 0.01, 0.11),
            "Treated customers bought more often: +5.00% (90%: +1.00% – +11.00%) in conversion.",
            "触达组的购买率比对照组高：差 +5.00% (90%: +1.00% – +11.00%)。",
        ),
        (
            (-0.05, -0.09, -0.01),
            "Treated customers bought less often: -5.00% (90%: -9.00% – -1.00%) in conversion.",
            "触达组的购买率比对照组低：差 -5.00% (90%: -9.00% – -1.00%)。",
        ),
    ],
)
def test_the_verdict_is_said_in_words(figures: tuple[float, float, float], english: str, chinese: str) -> None:
    assert (_said(*figures, "en"), _said(*figures, "zh")) == (english, chinese)
