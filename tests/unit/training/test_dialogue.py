"""Learning a dialogue policy where the optimum is known."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from finite_dialogues import FiniteDialogues, optimal_values, policy_values  # noqa: E402
from zhanggui.evaluation.environment import Observation  # noqa: E402
from zhanggui.training.dialogue import Learned, learn  # noqa: E402
from zhanggui.training.dialogue_settings import DialogueSettings  # noqa: E402

QUICK = DialogueSettings(hidden=(32,), steps=25_000, horizon=16, discount=0.9, learning_rate=1e-2, critic_first=0)


def small_shop(**changed) -> FiniteDialogues:
    """Six states, four acts; one dialogue in ten ends at each turn. What pays at once leads away from what pays later."""
    rng = np.random.default_rng(18)
    moves = 0.9 * rng.dirichlet(np.full(6, 0.2), (6, 4))
    legal = rng.random((6, 4)) < 0.8
    legal[:, 0] = True
    return FiniteDialogues(**{"moves": moves, "rewards": rng.normal(size=(6, 4)), "legal": legal, "n": 64} | changed)


def greedy(learned: Learned, dialogues: FiniteDialogues) -> np.ndarray:
    chosen = learned.network.probabilities(np.eye(len(dialogues.moves)), dialogues.legal).argmax(axis=1)
    return np.eye(dialogues.legal.shape[1])[chosen]


@pytest.mark.parametrize(
    "settings",
    [QUICK, replace(QUICK, method="actor_critic", horizon=4, steps=50_000, learning_rate=2e-2)],
    ids=["ppo", "actor_critic"],
)
def test_the_known_optimum_is_reached(settings: DialogueSettings) -> None:
    dialogues = small_shop()
    best = optimal_values(dialogues, 0.9)[0]
    at_once = np.eye(4)[np.where(dialogues.legal, dialogues.rewards, -np.inf).argmax(axis=1)]
    assert policy_values(dialogues, at_once, 0.9)[0] < 0.9 * best, (
        "the next reward alone would do: the test shows nothing"
    )
    learned = learn(dialogues, settings, seed=0)
    assert policy_values(dialogues, greedy(learned, dialogues), 0.9)[0] > 0.98 * best


def test_an_act_that_is_not_legal_is_never_chosen_however_much_it_would_earn() -> None:
    dialogues = small_shop()
    dialogues.rewards = np.where(dialogues.legal, dialogues.rewards, 1_000.0)
    learned = learn(dialogues, replace(QUICK, steps=3_000), seed=0)
    assert all(dialogues.legal[state, act] for state, act in dialogues.chosen)
    assert not learned.network.probabilities(np.eye(6), dialogues.legal)[~dialogues.legal].any()
    free = small_shop(rewards=dialogues.rewards, legal=np.ones((6, 4), dtype=bool))
    learn(free, replace(QUICK, steps=3_000), seed=0)
    assert not all(dialogues.legal[state, act] for state, act in free.chosen), "nobody was tempted"


def test_a_dialogue_that_is_cut_off_is_worth_what_it_would_go_on_to_earn_and_one_that_ended_nothing() -> None:
    """Staying earns .1 a step for ever, 2 in all, but is watched for three steps; taking earns .5 and ends."""
    moves = np.array([[[1.0], [0.0]]])
    dialogues = FiniteDialogues(
        moves=moves, rewards=np.array([[0.1, 0.5]]), legal=np.ones((1, 2), dtype=bool), n=32, patience=3
    )
    learned = learn(dialogues, replace(QUICK, discount=0.95, steps=10_000), seed=0)
    assert learned.network.probabilities(np.ones((1, 1)), dialogues.legal)[0, 0] > 0.9


def test_the_rule_is_imitated_first() -> None:
    dialogues = small_shop()
    rule = np.where(dialogues.legal, np.arange(4), -1).argmax(axis=1)

    def teacher(observation: Observation) -> np.ndarray:
        return rule[observation.features.argmax(axis=1)]

    settings = replace(QUICK, imitation=4_000, steps=1_024, critic_first=1, horizon=16)
    learned = learn(dialogues, settings, seed=0, teacher=teacher)  # one update, in which the critic alone learns
    shares = learned.network.probabilities(np.eye(6), dialogues.legal)
    assert (shares.argmax(axis=1) == rule).all()
    tempted = dialogues.legal.sum(axis=1) > 1
    assert (shares.max(axis=1)[tempted] < 0.99).all(), "something is left to try"


def test_a_seed_fixes_a_run_and_each_update_is_on_record() -> None:
    settings = replace(QUICK, steps=4_096)
    once, again = (learn(small_shop(), settings, seed=3) for _ in range(2))
    assert once.curve == again.curve
    assert once.curve != learn(small_shop(), settings, seed=4).curve
    assert [record["step"] for record in once.curve] == [1_024, 2_048, 3_072, 4_096]
    assert set(once.curve[0]) >= {
        "approximate_kl",
        "clip_fraction",
        "explained_variance",
        "entropy",
        "reward_a_dialogue",
    }
    assert once.curve[0]["approximate_kl"] > 0
