"""The formulas of the policy gradient, each against what can be computed by hand or exactly."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from finite_dialogues import FiniteDialogues  # noqa: E402
from zhanggui.training.actor_critic import (  # noqa: E402
    ActorCritic,
    Rollout,
    advantages,
    approximate_kl,
    clip_fraction,
    entropy,
    explained_variance,
    policy_loss,
)
from zhanggui.training.dialogue import roll_out  # noqa: E402


def rollout(rewards, values, next_values, *, ended=None, cut_off=None) -> Rollout:
    rewards = np.array(rewards, dtype=np.float32)
    never = np.zeros(rewards.shape, dtype=bool)
    return Rollout(
        features=np.zeros((*rewards.shape, 1), dtype=np.float32),
        legal=np.ones((*rewards.shape, 1), dtype=bool),
        acts=np.zeros(rewards.shape, dtype=np.int64),
        log_probabilities=np.zeros_like(rewards),
        values=np.array(values, dtype=np.float32),
        next_values=np.array(next_values, dtype=np.float32),
        rewards=rewards,
        ended=never if ended is None else np.array(ended, dtype=bool),
        cut_off=never if cut_off is None else np.array(cut_off, dtype=bool),
    )


def test_what_follows_a_cut_counts_and_what_follows_an_end_does_not() -> None:
    """Columns: a dialogue that goes on, one that is cut off, one that ended; the state after each is worth 5."""
    seen = rollout([[1, 1, 1]], [[2, 2, 2]], [[5, 5, 5]], ended=[[0, 0, 1]], cut_off=[[0, 1, 0]])
    assert advantages(seen, discount=0.9, trace=1.0)[0] == pytest.approx([3.5, 3.5, -1])


def test_what_is_earned_in_the_next_dialogue_is_no_merit_of_this_one() -> None:
    rewards, zeros = [[0, 0, 0], [7, 7, 7]], [[0, 0, 0], [0, 0, 0]]
    seen = rollout(rewards, zeros, zeros, ended=[[0, 0, 1], [0] * 3], cut_off=[[0, 1, 0], [0] * 3])
    assert advantages(seen, discount=1.0, trace=1.0)[0].tolist() == [7, 0, 0]


def test_advantages_of_many_dialogues_are_those_of_a_plain_loop_over_each() -> None:
    rng = np.random.default_rng(0)
    moments, dialogues, discount, trace = 40, 5, 0.9, 0.8
    ended = rng.random((moments, dialogues)) < 0.1
    cut_off = (rng.random((moments, dialogues)) < 0.1) & ~ended
    seen = rollout(*rng.normal(size=(3, moments, dialogues)), ended=ended, cut_off=cut_off)
    plain = np.zeros((moments, dialogues))
    for which in range(dialogues):
        for moment in range(moments):
            weight, total = 1.0, 0.0
            for later in range(moment, moments):
                after = 0 if ended[later, which] else seen.next_values[later, which]
                total += weight * (seen.rewards[later, which] + discount * after - seen.values[later, which])
                weight *= discount * trace
                if ended[later, which] or cut_off[later, which]:
                    break
            plain[moment, which] = total
    assert advantages(seen, discount=discount, trace=trace) == pytest.approx(plain, abs=1e-4)


def three_turns() -> FiniteDialogues:
    """Dialogues of exactly three turns: state 3 t + j is place j at turn t. One act of one place is not legal."""
    rng = np.random.default_rng(3)
    moves = np.zeros((9, 3, 9))
    moves[:3, :, 3:6], moves[3:6, :, 6:] = rng.dirichlet(np.ones(3), (2, 3, 3))
    legal = np.ones((9, 3), dtype=bool)
    legal[4, 1] = False
    return FiniteDialogues(moves=moves, rewards=rng.normal(size=(9, 3)), legal=legal, n=400)


@pytest.mark.parametrize("clip", [None, 0.2])
def test_the_estimated_gradient_is_the_analytic_one_within_three_standard_errors(clip: float | None) -> None:
    dialogues, dice = three_turns(), torch.Generator().manual_seed(1)
    torch.manual_seed(5)
    model = ActorCritic(9, 3, ())
    torch.nn.init.normal_(model.actor[0].weight)  # a policy that is not uniform
    weights = list(model.actor.parameters())

    policy = model.log_probabilities(torch.eye(9), torch.from_numpy(dialogues.legal)).exp()
    values = torch.zeros(9)
    for _ in range(3):
        earned = torch.tensor(dialogues.rewards).float() + torch.tensor(dialogues.moves).float() @ values
        values = (policy * earned).sum(1)
    analytic = torch.cat([one.flatten() for one in torch.autograd.grad(values[0], weights)])

    estimates = []
    for _ in range(60):
        seen = roll_out(model, dialogues, 3, dice)
        assert seen.ended[-1].all()
        assert not seen.ended[:-1].any()
        gained = torch.from_numpy(advantages(seen, discount=1.0, trace=1.0))
        every = model.log_probabilities(torch.from_numpy(seen.features), torch.from_numpy(seen.legal))
        new = every.gather(2, torch.from_numpy(seen.acts)[..., None])[..., 0]
        loss = policy_loss(new, torch.from_numpy(seen.log_probabilities), gained, clip=clip)
        gradient = torch.cat([one.flatten() for one in torch.autograd.grad(loss, weights)])
        estimates.append(-3 * gradient)  # the loss is a mean over turns, J a sum of them
    estimate, errors = torch.stack(estimates).mean(0), torch.stack(estimates).std(0) / 60**0.5
    assert errors.norm() < 0.1 * analytic.norm()
    assert ((estimate - analytic).abs() <= 3 * errors + 1e-6).all()


def test_ppo_gains_nothing_from_moving_further_than_the_clip() -> None:
    old, gained = torch.log(torch.tensor([0.5, 0.5])), torch.tensor([1.0, -1.0])
    new = torch.log(torch.tensor([0.7, 0.3])).requires_grad_()
    (gradient,) = torch.autograd.grad(policy_loss(new, old, gained, clip=0.2), new)
    assert gradient.tolist() == [0, 0]
    assert clip_fraction(new, old, 0.2) == 1
    (free,) = torch.autograd.grad(policy_loss(new, old, gained, clip=0.5), new)
    assert free.tolist() == pytest.approx([-0.7, 0.3])


def test_approximate_kl_is_the_divergence_in_expectation() -> None:
    old, new = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.5, 0.3, 0.2])
    drawn = torch.multinomial(old, 200_000, replacement=True, generator=torch.Generator().manual_seed(0))
    exact = float((old * (old / new).log()).sum())
    assert approximate_kl(new.log()[drawn], old.log()[drawn]) == pytest.approx(exact, rel=0.02)
    assert approximate_kl(old.log(), old.log()) == 0


def test_entropy_counts_legal_acts_alone() -> None:
    model = ActorCritic(1, 3, ())
    legal = torch.tensor([[True, True, False], [False, False, True]])
    every = model.log_probabilities(torch.ones(2, 1), legal)
    torch.nn.init.zeros_(model.actor[0].weight)
    assert float(entropy(model.log_probabilities(torch.ones(2, 1), legal)).detach()) == pytest.approx(np.log(2) / 2)
    assert every.exp()[~legal].tolist() == [0, 0, 0]


def test_a_critic_that_knows_all_explains_all_and_one_that_knows_the_mean_explains_nothing() -> None:
    earned = np.array([1.0, 2.0, 3.0, 6.0], dtype=np.float32)
    assert explained_variance(earned, earned) == 1
    assert explained_variance(np.full(4, 3, dtype=np.float32), earned) == 0
    assert np.isnan(explained_variance(earned, np.ones(4, dtype=np.float32)))


def test_the_served_network_weighs_acts_as_the_trained_one_does() -> None:
    torch.manual_seed(0)
    model = ActorCritic(5, 4, (8, 8))
    model.center.copy_(torch.randn(5))
    model.spread.copy_(torch.rand(5) + 0.5)
    torch.nn.init.normal_(model.actor[-1].weight)
    features, legal = torch.randn(50, 5), torch.rand(50, 4) < 0.6
    legal[:, 0] = True
    trained = model.log_probabilities(features, legal).exp().detach().numpy()
    assert model.network().probabilities(features.numpy(), legal.numpy()) == pytest.approx(trained, abs=1e-6)
