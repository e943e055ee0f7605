import numpy as np
import pytest

from zhanggui.attribution import lift
from zhanggui.attribution.holdout import newcombe
from zhanggui.errors import PolicyError
from zhanggui.evaluation import dr, ips, snips


def test_newcombe_interval_is_that_of_the_paper() -> None:
    found = newcombe(56 / 70, 70, 48 / 80, 80, confidence=0.95)  # Newcombe 1998, table II, (a)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(1), 0
    for _ in range(1_000):
        a, b = rng.binomial(400, 0.12) / 400, rng.binomial(60, 0.08) / 60
        found = newcombe(a, 400, b, 60, confidence=0.95)
        covered += found.low <= 0.04 <= found.high
    assert 0.93 <= covered / 1_000 <= 0.98


def test_no_effect_is_said_to_be_no_effect() -> None:
    rng = np.random.default_rng(2)
    treated = rng.random(2_000) < 0.9
    found = lift(rng.random(2_000) < 0.3, rng.random(2_000), treated, share=0.1)
    assert found is not None
    assert not found.conversion.told_apart
    assert "chance" in found.in_words("en")
    assert "偶然" in found.in_words("zh")
    assert found.ratio_p > 0.001


def test_ope_recovers_value_of_known_policy() -> None:
    rng, n = np.random.default_rng(3), 60_000
    logged = np.array([0.6, 0.3, 0.1])
    target, truth = np.array([0.1, 0.2, 0.7]), np.array([0.05, 0.1, 0.3])
    chosen = rng.choice(3, n, p=logged)
    rewards = (rng.random(n) < truth[chosen]).astype(float)
    value = float(target @ truth)
    everywhere = np.tile(target, (n, 1))
    guesses = np.tile([0.1, 0.1, 0.1], (n, 1))
    for found in (
        ips(rewards, logged[chosen], target[chosen]),
        snips(rewards, logged[chosen], target[chosen]),
        dr(rewards, logged[chosen], chosen, everywhere, guesses),
    ):
        assert found.low <= value <= found.high
        assert found.high - found.low < 0.03
    with pytest.raises(PolicyError, match="propensity"):
        ips(rewards, np.zeros(n), target[chosen])
