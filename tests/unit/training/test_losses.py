"""Optional terms of the loss, against figures worked out by hand, and by what one step of gradient descent does."""

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from zhanggui.training import losses  # noqa: E402
from zhanggui.training.losses import Extra, consistency, meanings, nats, unlikelihood  # noqa: E402


def logits_of(*rows: list[float]) -> "torch.Tensor":
    return torch.tensor([[math.log(p) for p in row] for row in rows])


def ids(*values: int) -> "torch.Tensor":
    return torch.tensor(values)


@pytest.mark.parametrize(("kind", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_nats_and_their_gradient_are_those_of_the_cross_entropy(
    kind: "torch.dtype", near: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "_AT_ONCE", 200)  # four rows of 50 at a time: 10 rows are two such and a rest
    drawn = torch.Generator().manual_seed(1)
    given = (4 * torch.randn(10, 50, generator=drawn)).to(kind)
    wanted = torch.randint(50, (10,), generator=drawn)
    ours, theirs = given.clone().requires_grad_(), given.float().requires_grad_()
    found = nats(ours, wanted)
    known = torch.nn.functional.cross_entropy(theirs, wanted, reduction="sum")
    (3 * found).backward()
    (3 * known).backward()
    assert float(found.detach()) == pytest.approx(float(known.detach()), rel=1e-6)
    torch.testing.assert_close(ours.grad.float(), theirs.grad, atol=near, rtol=near)


def test_unlikelihood_counts_each_earlier_token_that_is_not_wanted_now() -> None:
    # Answer 0 1 0: at the second token 0 is a candidate, at the third 1 (0 is wanted, so it is none).
    given = logits_of([0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.1, 0.8, 0.1])
    expected = -math.log(1 - 0.5) - math.log(1 - 0.8)
    assert float(unlikelihood(given, ids(0, 1, 0), ids(0, 0, 0))) == pytest.approx(expected, rel=1e-5)


def test_unlikelihood_counts_a_token_that_was_said_twice_once() -> None:
    given = logits_of([0.5, 0.5], [0.5, 0.5], [0.25, 0.75])
    assert float(unlikelihood(given, ids(0, 0, 1), ids(0, 0, 0))) == pytest.approx(-math.log(1 - 0.25), rel=1e-5)


def test_unlikelihood_does_not_look_into_another_answer() -> None:
    given = logits_of([0.5, 0.25, 0.25], [0.2, 0.4, 0.4], [0.3, 0.3, 0.4], [0.6, 0.2, 0.2])
    apart = unlikelihood(given, ids(0, 1, 2, 0), ids(3, 3, 7, 7))
    assert float(apart) == pytest.approx(-math.log(1 - 0.2) - math.log(1 - 0.2), rel=1e-5)
    assert float(unlikelihood(given, ids(0, 1, 2, 0), ids(0, 1, 2, 3))) == 0.0


def test_unlikelihood_agrees_with_the_definition_on_random_answers() -> None:
    torch.manual_seed(0)
    sizes, vocabulary = [5, 1, 9, 3], 6
    given = torch.randn(sum(sizes), vocabulary)
    labels = torch.randint(vocabulary, (sum(sizes),))
    segments = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    p = given.softmax(-1)
    expected = 0.0
    for t in range(len(labels)):
        said = {int(labels[s]) for s in range(t) if segments[s] == segments[t]} - {int(labels[t])}
        expected += sum(-math.log(1 - float(p[t, c])) for c in said)
    assert float(unlikelihood(given, labels, segments)) == pytest.approx(expected, rel=1e-5)


def test_a_step_on_unlikelihood_takes_probability_from_what_was_said() -> None:
    given = torch.zeros(3, 4, requires_grad=True)
    unlikelihood(given, ids(0, 1, 2), ids(0, 0, 0)).backward()
    after = (given.detach() - 0.5 * given.grad).softmax(-1)
    assert float(after[1, 0]) < 0.25  # said before
    assert float(after[2, 0]) < 0.25
    assert float(after[2, 1]) < 0.25
    assert float(after[2, 2]) > 0.25
    assert torch.equal(given.grad[0], torch.zeros(4))


def test_unlikelihood_stays_finite_where_the_model_is_sure() -> None:
    given = torch.tensor([[0.0, 0.0], [90.0, -90.0]], requires_grad=True)
    loss = unlikelihood(given, ids(0, 1), ids(0, 0))
    loss.backward()
    assert torch.isfinite(loss.detach())
    assert torch.isfinite(given.grad).all()


TABLE = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]


def test_consistency_is_one_minus_the_cosine_of_mean_meanings_for_each_token() -> None:
    # Expected meanings (0.5, 0.5) and (0, 1): the mean points as (1, 3). The condition is token 1, (0, 1).
    given = logits_of([0.5, 0.5, 1e-12], [1e-12, 1.0, 1e-12])
    found = consistency(given, ids(4, 4), ids(1), ids(4), torch.tensor(TABLE))
    assert float(found) == pytest.approx(2 * (1 - 3 / math.sqrt(10)), rel=1e-5)


def test_consistency_asks_each_answer_about_its_own_condition() -> None:
    given = logits_of([1.0, 1e-12, 1e-12], [1e-12, 1.0, 1e-12], [1e-12, 1.0, 1e-12])
    table = torch.tensor(TABLE)
    assert float(consistency(given, ids(0, 1, 1), ids(0, 1), ids(0, 1), table)) == pytest.approx(0.0, abs=1e-5)
    # Crossed: a right angle is a cosine of 0, one for each of the three tokens.
    assert float(consistency(given, ids(0, 1, 1), ids(1, 0), ids(0, 1), table)) == pytest.approx(3.0, rel=1e-5)
    assert float(consistency(given, ids(0, 1, 1), ids(0), ids(0), table)) == pytest.approx(0.0, abs=1e-5)


def test_a_step_on_consistency_moves_probability_towards_the_condition() -> None:
    given = torch.zeros(2, 3, requires_grad=True)
    consistency(given, ids(0, 0), ids(0), ids(0), torch.tensor(TABLE)).backward()
    after = (given.detach() - 0.5 * given.grad).softmax(-1)
    assert float(after[0, 0]) > 1 / 3 > float(after[0, 1])


def test_meanings_weigh_rare_tokens_more_and_are_frozen() -> None:
    embeddings = torch.nn.Parameter(torch.tensor([[3.0, 0.0], [0.0, 3.0], [0.0, 0.0]]))
    table = meanings(embeddings, torch.tensor([999, 1, 0]))
    assert not table.requires_grad
    # Centred on (1, 1); shares 0.999, 0.001 and 0 with a = 0.001.
    assert table[0].tolist() == pytest.approx([2 * 0.001, -1 * 0.001])
    assert table[1].tolist() == pytest.approx([-1 * 0.5, 2 * 0.5])
    assert table[2].tolist() == pytest.approx([-1.0, -1.0])


def test_terms_are_off_by_default_and_add_up_by_weight() -> None:
    given, labels, segments = logits_of([0.5, 0.4, 0.1], [0.5, 0.4, 0.1]), ids(0, 1), ids(0, 0)
    assert not Extra().wanted
    assert float(Extra()(given, labels, segments, ids(2), ids(0))) == 0.0
    both = Extra(unlikelihood=0.5, consistency=2.0, table=torch.tensor(TABLE))
    expected = 0.5 * unlikelihood(given, labels, segments) + 2.0 * consistency(
        given, segments, ids(2), ids(0), torch.tensor(TABLE)
    )
    assert float(both(given, labels, segments, ids(2), ids(0))) == pytest.approx(float(expected))
