"""A dialogue policy written down by hand and kept as an artifact of a shop."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from zhanggui.conversation.act import FEATURES
from zhanggui.conversation.learned_act import QUESTIONS
from zhanggui.policies.network import Network
from zhanggui.storage import ArtifactStore


def kept(folder: Path, version: str, *logits: float) -> None:
    """Keep a policy that weighs its acts by these numbers, whatever it reads."""
    reads = FEATURES + QUESTIONS
    network = Network(
        center=np.zeros(reads, dtype=np.float32),
        spread=np.ones(reads, dtype=np.float32),
        weights=(np.zeros((len(logits), reads), dtype=np.float32),),
        biases=(np.array(logits, dtype=np.float32),),
    )
    artifacts, now = ArtifactStore(folder / "data" / "artifacts"), datetime(2026, 12, 1, tzinfo=UTC)
    with artifacts.create("dialogue", version, now=now, config={}, data_hash="") as draft:
        network.write(draft.path / "network-0.npz")
