"""Dropout on a processor: the share that it says, the same mask backwards, nothing while a model answers."""

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
from torch import nn  # noqa: E402

from zhanggui.training.dropout import quicken  # noqa: E402


def quick(share: float) -> nn.Module:
    model = nn.Sequential(nn.Linear(1, 1), nn.ModuleDict({"adapter": nn.Dropout(share)}))
    quicken(model)
    found: nn.Module = model[1]["adapter"]
    assert type(found) is not nn.Dropout
    return found


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_share_of_values_is_dropped_and_the_others_make_up_for_it(share: float, kind: "torch.dtype") -> None:
    torch.manual_seed(7)
    values = torch.ones(333, 1001, dtype=kind)  # a count that is no multiple of four
    found = quick(share)(values)
    assert found.dtype == kind
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.004)
    assert set(found.unique().tolist()) == {0.0, torch.tensor(1 / (1 - share), dtype=kind).item()}
    by_place = (found == 0).float().flatten()[: 4 * 83_000].reshape(-1, 4).mean(0)  # of the four that share a number
    assert by_place.tolist() == pytest.approx([share] * 4, abs=0.008)


def test_what_was_dropped_gets_no_gradient() -> None:
    values = torch.randn(50, 7, requires_grad=True)
    found = quick(0.25)(values)
    found.backward(torch.full_like(found, 3.0))
    assert torch.equal(values.grad != 0, found != 0)
    assert torch.allclose(values.grad[found != 0], torch.tensor(4.0))


def test_a_seed_fixes_what_is_dropped() -> None:
    dropout, values = quick(0.5), torch.ones(64, 64)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(dropout(values))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_it_does_nothing_where_dropout_is_off() -> None:
    values = torch.ones(9)
    dropout = quick(0.5)
    assert torch.equal(dropout.eval()(values), values)
    dropout.train().p = 0.0  # as TRL turns it off
    assert torch.equal(dropout(values), values)


def test_a_model_that_answers_keeps_answering() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).eval()
    quicken(model)
    assert not model[1].training
