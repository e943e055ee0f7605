import numpy as np
import pytest

from zhanggui.evaluation.bootstrap import difference, figure, mean, ratio, resample


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    random, held = np.random.default_rng(5), 0
    for seed in range(200):
        one = mean(random.exponential(2.0, 80))
        found = figure(one, resample([one], replicates=400, seed=seed)[0])
        assert found.low <= found.value <= found.high
        held += found.low <= 2.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_same_seed_same_interval() -> None:
    one = mean(np.random.default_rng(1).random(50))
    first, again, other = (resample([one], replicates=50, seed=seed)[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()


def test_a_paired_difference_is_narrower_than_its_sides() -> None:
    random = np.random.default_rng(3)
    hard = random.random(200)  # what makes a row hard is so for both systems
    sides = [mean(hard), mean(hard + 0.02 + random.normal(0, 0.01, 200))]
    resampled = resample(sides, replicates=500, seed=1)
    one, other = (figure(side, values) for side, values in zip(sides, resampled, strict=True))
    gap = difference((sides[1], resampled[1]), (sides[0], resampled[0]))
    assert gap.value == pytest.approx(other.value - one.value)
    assert gap.low > 0
    assert gap.high - gap.low < 0.1 * (one.high - one.low)


def test_a_mean_counts_only_the_texts_that_have_it() -> None:
    one = mean(np.array([1.0, float("nan"), 3.0]), np.array([True, False, True]))
    assert figure(one, resample([one], replicates=20, seed=1)[0]).value == 2.0


def test_a_ratio_of_sums_is_no_mean_of_ratios() -> None:
    one = ratio(np.array([1.0, 30.0]), np.array([1.0, 10.0]))
    assert figure(one, resample([one], replicates=20, seed=1)[0]).value == pytest.approx(31 / 11)


def test_many_texts_are_resampled_in_parts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    one = mean(np.random.default_rng(1).random(30))
    whole = resample([one], replicates=40, seed=1)[0]
    monkeypatch.setattr("zhanggui.evaluation.bootstrap._CELLS", 90)
    assert resample([one], replicates=40, seed=1)[0] == pytest.approx(whole)


def test_one_text_has_no_interval_and_equal_ones_have_a_narrow_one() -> None:
    one, other, equal = mean(np.array([1.0])), mean(np.array([3.0])), mean(np.ones(5))
    resampled = [resample([of], replicates=50, seed=1)[0] for of in (one, other, equal)]
    found = figure(one, resampled[0])
    assert (found.value, np.isnan(found.low), np.isnan(found.high)) == (1.0, True, True)
    gap = difference((other, resampled[1]), (one, resampled[0]))
    assert (gap.value, np.isnan(gap.low), np.isnan(gap.high)) == (2.0, True, True)
    alike = figure(equal, resampled[2])
    assert (alike.low, alike.value, alike.high) == (1.0, 1.0, 1.0)
    lone = mean(np.array([5.0, 0.0, 0.0]), np.array([True, False, False]))
    assert np.isnan(figure(lone, resample([lone], replicates=50, seed=1)[0]).low)
