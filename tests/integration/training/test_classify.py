"""A tiny encoder, pretrained, then fine-tuned to classify, exported and served: what it was trained to say it says."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.llm.encoder import Encoder  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import job, kept  # noqa: E402
from zhanggui.training.classify import classify  # noqa: E402
from zhanggui.training.corpora import labelled  # noqa: E402
from zhanggui.training.pretrain import pretrain  # noqa: E402
from zhanggui.training.settings import (  # noqa: E402
    ClassifySettings,
    ColumnSettings,
    PretrainSettings,
    ShapeSettings,
    TokenizerSettings,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("茶叶", "杯子", "台灯", "香皂", "图书", "鞋子", "帽子", "背包", "钢笔", "地毯", "green tea", "mug")
GOOD = ("质量很好", "物流很快", "包装完整", "颜色漂亮", "价格便宜", "客服热情", "fast delivery", "works well")
BAD = ("质量很差", "物流太慢", "包装破了", "颜色难看", "价格太贵", "客服冷淡", "broken on arrival", "too slow")
ROWS = [
    {"review": f"第{place}次买{thing}，{one}，{two}。", "mood": mood}
    for mood, words in (("1", GOOD), ("0", BAD))
    for place, thing in enumerate(GOODS)
    for one in words
    for two in words
    if one != two
][::2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews, and an encoder pretrained on them as the artifact `tiny`."""
    home = tmp_path_factory.mktemp("classifying")
    lines = [json.dumps(one, ensure_ascii=False) for one in ROWS]
    (home / "reviews.jsonl").write_text("\n".join(lines), encoding="utf-8")
    made = PretrainSettings(
        name="tiny", objective="masked", data="reviews.jsonl", columns=ColumnSettings(text="review"), context=32, updates=10,
        batch_size=16, rows_at_once=16, precision="fp32", tokenizer=TokenizerSettings(kind="bpe", vocabulary=700),
        shape=ShapeSettings(kind="bert", hidden=32, layers=2, heads=2),
    )  # fmt: skip
    pretrain(made, folder=home, artifacts=ArtifactStore(home / "artifacts"), work=home / "work", now=NOW)
    return home


def settings(**fields: Any) -> ClassifySettings:
    given = ClassifySettings(
        name="mood", base="tiny", data="reviews.jsonl", columns=ColumnSettings(text="review", label="mood"),
        names={"0": "negative", "1": "positive"}, epochs=4, batch_size=16, rows_at_once=16, learning_rate=1e-3, max_tokens=32,
        precision="fp32",
    )  # fmt: skip
    return replace(given, **fields)


def store(home: Path) -> ArtifactStore:
    return ArtifactStore(home / "artifacts")


def weights(path: Path) -> Mapping[str, Any]:
    from safetensors.numpy import load_file

    found: Mapping[str, Any] = load_file(path / "model" / "model.safetensors")
    return found


@pytest.fixture(scope="module")
def whole(home: Path) -> Artifact:
    """Every weight trained: the artifact `mood`."""
    return classify(settings(epochs=8), folder=home, artifacts=store(home), work=home / "work-mood", now=NOW)


def test_what_was_learned_is_what_the_exported_encoder_serves(home: Path, whole: Artifact, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    assert whole.metrics["test"]["accuracy"] > 0.9
    assert whole.config["labels"] == ["negative", "positive"]
    assert kept.kind_of(whole) == "encoder"
    report = (whole.path / "report.md").read_text(encoding="utf-8")
    assert "| true \\ predicted | negative | positive |" in report
    kept.to_onnx(whole, tmp_path / "served", precision="int8")
    served = Encoder(tmp_path / "served", threads=1)
    rows = labelled(home / "reviews.jsonl", settings().columns, work=home / "work-mood").parts["test"]
    texts = [text for text, _ in rows]
    named = [{"0": "negative", "1": "positive"}[mood] for _, mood in rows]
    right = [label == name for (label, _), name in zip(served.classify(texts), named, strict=True)]
    assert sum(right) / len(right) == pytest.approx(whole.metrics["test"]["accuracy"], abs=0.05)
    # In eight bits the probabilities stay near those of transformers, which opens the folder as it is.
    model = AutoModelForSequenceClassification.from_pretrained(whole.path / "model").eval()
    batch = AutoTokenizer.from_pretrained(whole.path / "model")(texts, padding=True, return_tensors="pt")
    batch.pop("token_type_ids", None)
    known = model(**batch).logits.detach().softmax(-1).numpy()
    assert np.abs(served.probabilities(texts) - known).mean() < 0.03


def test_adapters_relearn_the_opposite_and_leave_the_words_alone(home: Path, whole: Artifact, tmp_path: Path) -> None:
    turned = [one | {"mood": {"0": "1", "1": "0"}[one["mood"]]} for one in ROWS]
    lines = [json.dumps(one, ensure_ascii=False) for one in turned]
    (home / "turned.jsonl").write_text("\n".join(lines), encoding="utf-8")
    asked = settings(name="turned", base="mood", data="turned.jsonl", method="lora", learning_rate=5e-3, epochs=8)
    made = classify(asked, folder=home, artifacts=store(home), work=tmp_path, now=NOW)
    assert made.metrics["test"]["accuracy"] > 0.9
    before, after = weights(whole.path), weights(made.path)
    assert before.keys() == after.keys(), "the adapters are merged"
    words = "bert.embeddings.word_embeddings.weight"
    assert (before[words] == after[words]).all()


def test_a_stopped_run_ends_with_the_weights_of_an_uninterrupted_one(home: Path, tmp_path: Path) -> None:
    given = settings(epochs=1, base=str(base(home)), checkpoint_steps=5, keep="best")
    uncut = classify(
        given, folder=home, artifacts=ArtifactStore(tmp_path / "a"), work=tmp_path / "whole", now=NOW
    )  # fmt: skip
    stopped = replace(given, minutes=1e-9)
    again, work = ArtifactStore(tmp_path / "b"), tmp_path / "work"
    with pytest.raises(TrainingError, match=r"minutes are over.*the same command goes on"):
        classify(stopped, folder=home, artifacts=again, work=work, now=NOW)
    assert job.last_checkpoint(work) == work / "checkpoint-1"
    resumed = classify(replace(stopped, minutes=None), folder=home, artifacts=again, work=work, now=NOW)
    one, two = weights(uncut.path), weights(resumed.path)
    assert all((one[name] == two[name]).all() for name in one)
    assert uncut.metrics["test"] == resumed.metrics["test"]
    curves = [json.loads((made.path / "curve.json").read_text(encoding="utf-8")) for made in (uncut, resumed)]
    held, again = ({one["step"]: one["eval_loss"] for one in curve if "eval_loss" in one} for curve in curves)
    assert held == again
    assert len(held) > 2
    assert uncut.metrics["kept_update"] == resumed.metrics["kept_update"] == min(held, key=lambda step: held[step])
    texts = labelled(home / "reviews.jsonl", settings().columns, work=work).parts["test"]
    assert uncut.metrics["test"]["rows"] == len(texts)


def test_gradients_that_are_added_up_are_those_of_one_batch(home: Path, tmp_path: Path) -> None:
    whole, parts = (
        classify(
            settings(epochs=2, base=str(base(home)), dropout=0.0, rows_at_once=rows), folder=home,
            artifacts=ArtifactStore(tmp_path / str(rows)), work=tmp_path, now=NOW,
        )
        for rows in (16, 8)
    )  # fmt: skip
    first, second = (json.loads((one.path / "curve.json").read_text())[0] for one in (whole, parts))
    assert second["loss"] == pytest.approx(first["loss"], rel=1e-3)
    assert second["grad_norm"] == pytest.approx(first["grad_norm"], rel=0.01)


def test_activations_computed_twice_change_nothing(home: Path, tmp_path: Path) -> None:
    made, once = (
        classify(
            settings(epochs=1, base=str(base(home)), gradient_checkpointing=twice), folder=home, artifacts=ArtifactStore(tmp_path / str(twice)), work=tmp_path, now=NOW
        )
        for twice in (True, False)
    )  # fmt: skip
    assert all(np.allclose(one, weights(once.path)[name], atol=1e-5) for name, one in weights(made.path).items())


def base(home: Path) -> Path:
    """The folder of the pretrained encoder: a base may be named by its path too."""
    return store(home).get("tiny").path / "model"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"columns": ColumnSettings(text="review")}, "which column of .* is the label"),
        ({"columns": ColumnSettings(text="review", label="stars")}, "cannot be split|stars|no text is left"),
        ({"base": "nowhere/at-all"}, "the base nowhere/at-all cannot be opened"),
        ({"max_tokens": 64}, "max_tokens is 64, and the base .* reads 32"),
        ({"batch_size": 15, "rows_at_once": 4}, "cannot be divided"),
        ({"names": {"0": "same", "1": "same"}}, "two labels are called 'same'"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(
    home: Path, tmp_path: Path, fields: dict[str, Any], problem: str
) -> None:
    from zhanggui.errors import CorpusError

    with pytest.raises((TrainingError, CorpusError), match=problem):
        classify(settings(**fields), folder=home, artifacts=store(home), work=tmp_path, now=NOW)


def test_classes_must_be_in_the_training_part(home: Path, tmp_path: Path) -> None:
    rows = {"train": ["a", "a", "b"], "validation": ["a", ""], "test": ["b", "c"]}
    for part, labels in rows.items():
        lines = [json.dumps({"text": f"text {n}", "label": one}) for n, one in enumerate(labels)]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    asked = settings(data=str(tmp_path))
    with pytest.raises(TrainingError, match="no training text is of the class 'c'"):
        classify(asked, folder=home, artifacts=store(home), work=tmp_path, now=NOW)
