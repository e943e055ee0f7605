import numpy as np
import pytest

from zhanggui.errors import PolicyError
from zhanggui.policies import LinearThompsonPolicy, ThompsonPolicy, UniformPolicy
from zhanggui.policies.linear import best_normal
from zhanggui.policies.thompson import best_beta

RNG = np.random.default_rng(5)
ACTIONS = ["a", "b", "c"]


def test_thompson_propensity_is_the_probability_of_being_best() -> None:
    alpha, beta = np.array([3.0, 30.0, 5.0]), np.array([50.0, 600.0, 90.0])
    drawn = np.bincount(RNG.beta(alpha, beta, (400_000, 3)).argmax(axis=1)) / 400_000
    assert best_beta(alpha, beta, np.ones((1, 3), bool))[0] == pytest.approx(drawn, abs=0.004)


def test_linear_propensity_is_the_probability_of_being_best() -> None:
    means, deviations = np.array([[0.1, 0.3, 0.2]]), np.array([[0.5, 0.05, 0.2]])
    drawn = np.bincount(RNG.normal(means, deviations, (400_000, 3)).argmax(axis=1)) / 400_000
    found = best_normal(means, deviations, np.ones((1, 3), bool))[0]
    assert found / found.sum() == pytest.approx(drawn, abs=0.01)


@pytest.mark.parametrize("policy", [UniformPolicy(), ThompsonPolicy(), LinearThompsonPolicy()])
def test_choices_come_as_often_as_their_propensity_says(policy) -> None:
    n = 60_000
    contexts = np.ones((n, 2))
    eligible = np.tile([True, False, True], (n, 1))
    found = policy.select(contexts, ACTIONS, eligible=eligible, uniforms=RNG.random(n))
    assert set(found.indices) == {0, 2}
    for arm in (0, 2):
        rows = found.indices == arm
        assert rows.mean() == pytest.approx(found.propensities[rows].mean(), abs=0.01)


@pytest.mark.parametrize("policy", [UniformPolicy(), ThompsonPolicy(), LinearThompsonPolicy()])
def test_nothing_eligible_is_chosen_as_nothing(policy) -> None:
    found = policy.select(np.ones((2, 2)), ACTIONS, eligible=np.zeros((2, 3), bool), uniforms=np.array([0.1, 0.9]))
    assert list(found.indices) == [-1, -1]
    with pytest.raises(IndexError):
        found[0]


@pytest.mark.parametrize("make", [ThompsonPolicy, LinearThompsonPolicy])
def test_a_policy_learns_which_action_pays_and_remembers_it(make) -> None:
    policy, truth = make(), np.array([0.1, 0.3, 0.12])
    for _ in range(30):
        contexts = np.column_stack([np.ones(200), RNG.random(200)])
        found = policy.select(contexts, ACTIONS, eligible=np.ones((200, 3), bool), uniforms=RNG.random(200))
        policy.update(contexts, found, (RNG.random(200) < truth[found.indices]).astype(float))
    later = make()
    later.restore(policy.state())
    contexts, uniforms = np.column_stack([np.ones(2_000), RNG.random(2_000)]), RNG.random(2_000)
    chosen = [
        one.select(contexts, ACTIONS, eligible=np.ones((2_000, 3), bool), uniforms=uniforms) for one in (policy, later)
    ]
    assert (chosen[0].indices == 1).mean() > 0.8
    assert (chosen[0].indices == chosen[1].indices).all()


def test_learning_is_kept_when_arms_come_and_go() -> None:
    policy = ThompsonPolicy()
    found = policy.select(np.ones((3, 1)), ["x"], eligible=np.ones((3, 1), bool), uniforms=np.zeros(3))
    policy.update(np.ones((3, 1)), found, np.ones(3))
    policy.select(np.ones((1, 1)), ["y", "x"], eligible=np.ones((1, 2), bool), uniforms=np.zeros(1))
    assert policy.state()["counts"] == {"x": [3.0, 0.0]}


def test_thompson_refuses_rewards_that_are_no_shares() -> None:
    policy = ThompsonPolicy()
    found = policy.select(np.ones((1, 1)), ["x"], eligible=np.ones((1, 1), bool), uniforms=np.zeros(1))
    with pytest.raises(PolicyError, match="between 0 and 1"):
        policy.update(np.ones((1, 1)), found, np.array([7.0]))
