"""A network of two features and three actions, written down by hand."""

from pathlib import Path

import numpy as np
import pytest

from zhanggui.errors import PolicyError
from zhanggui.policies.network import Network

NETWORK = Network(
    center=np.array([1, 2], dtype=np.float32),
    spread=np.array([2, 4], dtype=np.float32),
    weights=(np.eye(2, dtype=np.float32), np.array([[1, 0], [0, 1], [3, 3]], dtype=np.float32)),
    biases=(np.zeros(2, dtype=np.float32), np.array([0, 0, 100], dtype=np.float32)),
)


def test_an_action_that_is_not_eligible_has_no_probability_however_much_it_weighs() -> None:
    features, eligible = np.array([[3.0, 2.0]]), np.array([[True, True, False]])
    first = np.exp(np.tanh(1.0)) / (np.exp(np.tanh(1.0)) + 1)
    assert NETWORK.probabilities(features, eligible) == pytest.approx(np.array([[first, 1 - first, 0]]))
    assert NETWORK.probabilities(features, ~eligible).tolist() == [[0, 0, 1]]


def test_a_network_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    NETWORK.write(tmp_path / "one.npz")
    features, eligible = np.random.default_rng(0).normal(size=(9, 2)), np.ones((9, 3), dtype=bool)
    again = Network.read(tmp_path / "one.npz")
    assert (again.probabilities(features, eligible) == NETWORK.probabilities(features, eligible)).all()


@pytest.mark.parametrize("content", [b"", b"no numbers", b"PK\x03\x04"])
def test_a_file_without_a_network_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(PolicyError, match=r"bad\.npz holds no network"):
        Network.read(tmp_path / "bad.npz")
