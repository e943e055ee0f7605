"""A small network that weighs actions by features, in numpy. Learns nothing: its weights come from elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from zhanggui.errors import PolicyError

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Layers of a perceptron; the hidden ones end in tanh, the last in a softmax over the eligible actions."""

    center: Array
    """(f,) taken from the features first."""
    spread: Array
    """(f,) by which they are then divided."""
    weights: tuple[Array, ...]
    """Of each layer (out, in)."""
    biases: tuple[Array, ...]
    """Of each layer (out,)."""

    @property
    def reads(self) -> int:
        """How many features."""
        return len(self.center)

    @property
    def weighs(self) -> int:
        """How many actions."""
        return len(self.biases[-1])

    def probabilities(self, features: NDArray[np.floating], eligible: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(n, a) probabilities of the actions; 0 where one is not eligible, whatever its weight."""
        hidden = (features - self.center) / self.spread
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.tanh(hidden @ weights.T + bias)
        logits = np.where(eligible, hidden @ self.weights[-1].T + self.biases[-1], -np.inf).astype(np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def write(self, path: Path) -> None:
        """Keep the numbers in a file of numpy (.npz)."""
        layers: dict[str, Any] = {f"weights_{place}": one for place, one in enumerate(self.weights)}
        layers |= {f"bias_{place}": one for place, one in enumerate(self.biases)}
        np.savez(path, allow_pickle=False, center=self.center, spread=self.spread, **layers)

    @staticmethod
    def read(path: Path) -> "Network":
        """A network as `write` kept it. Raises PolicyError naming the file."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as numbers:
                places = range(sum(name.startswith("bias_") for name in numbers))
                return Network(
                    center=numbers["center"],
                    spread=numbers["spread"],
                    weights=tuple(numbers[f"weights_{place}"] for place in places),
                    biases=tuple(numbers[f"bias_{place}"] for place in places),
                )
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise PolicyError(f"{path} holds no network: {error}; train the policy again") from error
