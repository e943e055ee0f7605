"""The job that learns a dialogue policy in a shop: its artifact says where it was learned, and serves without torch."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from simulated_shop import world
from zhanggui.conversation.learned_act import LearnedPolicy
from zhanggui.evaluation.shop_dialogues import hold, learned
from zhanggui.storage import ArtifactStore
from zhanggui.training.dialogue_settings import DialogueSettings
from zhanggui.training.shop_dialogue import digest, shop_dialogue

NOW = datetime(2026, 12, 1, tzinfo=UTC)
QUICK = DialogueSettings(hidden=(16,), steps=2_048, imitation=1_000, critic_first=1, seeds=(0, 1))


def test_the_artifact_serves_and_says_on_which_catalogue_and_simulator_it_was_learned(tmp_path: Path) -> None:
    shop, told = world(), []
    artifact = shop_dialogue(
        shop, QUICK, artifacts=ArtifactStore(tmp_path), now=NOW, progress=lambda step, *_: told.append(step)
    )
    assert artifact.name == "dialogue"
    assert artifact.data_hash == digest(shop)
    assert artifact.config["products"] == 12
    assert artifact.config["aspects"] == ["category", "colour", "size"]
    assert artifact.config["simulator"]["wrong"] == [0.0, 0.1, 0.25]
    assert set(artifact.metrics) == {f"{name} at {wrong}" for name in ("learned", "belief") for wrong in ("0%", "10%", "25%")}  # fmt: skip
    curves = json.loads((artifact.path / "curves.json").read_text(encoding="utf-8"))
    assert [len(curve) for curve in curves.values()] == [2, 2]
    assert {"imitate", "learn"} == set(told)
    policy = LearnedPolicy.read(artifact.path)
    figures = hold(shop, learned(policy), wrong=0.0, dialogues=200, seed=1)
    assert figures.success > 0.8, "what imitates the rule sells as the rule does"

    again = shop_dialogue(shop, QUICK, artifacts=ArtifactStore(tmp_path / "again"), now=NOW)
    assert again.files == artifact.files | {"curves.json": again.files["curves.json"]}, "seeds fix the networks"
    assert again.metrics == artifact.metrics


def test_a_catalogue_is_told_from_one_with_another_price_or_product() -> None:
    shop = world()
    assert digest(shop) == digest(world())
    assert digest(shop) != digest(world(price=1_001))
    assert digest(shop) != digest(replace(shop, holds=np.zeros_like(shop.holds)))
