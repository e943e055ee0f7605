"""Tiny encoders, exported and served by onnxruntime: their figures are those of transformers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import ModelError, TrainingError  # noqa: E402
from zhanggui.llm.encoder import Encoder  # noqa: E402
from zhanggui.training.export_onnx import encoder_to_onnx  # noqa: E402

WORDS = [
    "tea",
    "cup",
    "lamp",
    "soap",
    "book",
    "good",
    "bad",
    "late",
    "fast",
    "slow",
    "price",
    "return",
    "where",
    "is",
    "my",
    "order",
    "茶",
    "杯",
    "好",
    "差",
]
LABELS = {0: "order", 1: "complaint", 2: "praise"}


def texts(count: int, seed: int = 3) -> list[str]:
    """Of one to forty words."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 40))) for _ in range(count)]


def save(folder: Path, kind: str, **options: Any) -> Path:
    """A random model of this class with a tokenizer of whole words."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    ids = {token: number for number, token in enumerate([*special, *WORDS])}
    plain = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=32
    )  # fmt: skip
    shape = transformers.BertConfig(
        vocab_size=len(ids), hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=64, pad_token_id=0, **options,
    )  # fmt: skip
    torch.manual_seed(5)
    model = getattr(transformers, kind)(shape)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "LayerNorm" not in name:
                value.normal_(0.0, 0.15)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def expected(folder: Path, asked: list[str], *, embeds: bool) -> Any:
    """Probabilities or embeddings by transformers, one text at a time: no padding can disturb them."""
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    kind = AutoModel if embeds else AutoModelForSequenceClassification
    model = kind.from_pretrained(folder).eval()
    found = []
    with torch.inference_mode():
        for one in asked:
            out = model(**tokenizer(one, return_tensors="pt", truncation=True, max_length=32))
            if embeds:
                mean = out.last_hidden_state[0].mean(0)
                found.append((mean / mean.norm()).numpy())
            else:
                found.append(out.logits[0].softmax(-1).numpy())
    return np.stack(found)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(
        tmp_path_factory.mktemp("encoders") / "classifier", "BertForSequenceClassification", num_labels=3, id2label=LABELS
    )  # fmt: skip


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("encoders") / "embedder", "BertModel")


def test_probabilities_are_those_of_transformers(classifier: Path, tmp_path: Path) -> None:
    asked = texts(70)
    encoder_to_onnx(classifier, tmp_path / "served")
    served = Encoder(tmp_path / "served", threads=1, batch=16)
    found, known = served.probabilities(asked), expected(classifier, asked, embeds=False)
    assert known.std(0).max() > 0.05, "a model that says the same of everything proves nothing"
    np.testing.assert_allclose(found, known, atol=1e-4)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert served.labels == ("order", "complaint", "praise")
    for (label, share), row in zip(served.classify(asked), known, strict=True):
        assert label == LABELS[int(row.argmax())]
        assert share == pytest.approx(row.max(), abs=1e-4)


def test_logits_of_the_file_are_those_of_transformers(classifier: Path, tmp_path: Path) -> None:
    import onnxruntime
    import torch
    from transformers import AutoModelForSequenceClassification

    encoder_to_onnx(classifier, tmp_path / "served")
    session = onnxruntime.InferenceSession(tmp_path / "served" / "model.onnx")
    model = AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    for shape in ((1, 1), (3, 17), (8, 64)):
        ids = torch.randint(4, 20, shape)
        mask = torch.ones(shape, dtype=torch.long)
        mask[-1, (shape[1] + 1) // 2 :] = 0
        given = {"input_ids": ids, "attention_mask": mask}
        with torch.inference_mode():
            known = model(**given).logits.numpy()
        found = session.run(None, {name: value.numpy() for name, value in given.items()})[0]
        np.testing.assert_allclose(found, known, atol=1e-4)


def test_embeddings_are_the_mean_of_length_one(embedder: Path, tmp_path: Path) -> None:
    asked = texts(50)
    encoder_to_onnx(embedder, tmp_path / "served")
    served = Encoder(tmp_path / "served", threads=1, batch=8)
    found = served.embed(asked)
    np.testing.assert_allclose(found, expected(embedder, asked, embeds=True), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    with pytest.raises(ModelError, match="no labels"):
        served.classify(asked)


def test_8_bits_say_mostly_the_same_in_a_smaller_file(classifier: Path, embedder: Path, tmp_path: Path) -> None:
    asked = texts(200)
    large = encoder_to_onnx(classifier, tmp_path / "large")
    small = encoder_to_onnx(classifier, tmp_path / "small", precision="int8")
    assert small < 0.6 * large
    found = Encoder(tmp_path / "small", threads=1).probabilities(asked)
    known = expected(classifier, asked, embeds=False)
    assert (found.argmax(1) == known.argmax(1)).mean() > 0.9
    encoder_to_onnx(embedder, tmp_path / "vectors", precision="int8")
    vectors = Encoder(tmp_path / "vectors", threads=1).embed(asked)
    assert (vectors * expected(embedder, asked, embeds=True)).sum(1).min() > 0.97


def test_several_labels_a_text_are_independent(tmp_path: Path) -> None:
    folder = save(
        tmp_path / "model", "BertForSequenceClassification", num_labels=3, problem_type="multi_label_classification"
    )  # fmt: skip
    encoder_to_onnx(folder, tmp_path / "served")
    sums = Encoder(tmp_path / "served", threads=1).probabilities(texts(20)).sum(1)
    assert np.ptp(sums) > 0.05


def test_no_text_and_an_empty_text_are_answered(classifier: Path, tmp_path: Path) -> None:
    encoder_to_onnx(classifier, tmp_path / "served")
    served = Encoder(tmp_path / "served", threads=1)
    assert served.probabilities([]).shape == (0, 3)
    assert served.classify([]) == []
    assert len(served.classify([""])) == 1


def test_what_cannot_be_served_is_refused(classifier: Path, tmp_path: Path) -> None:
    encoder_to_onnx(classifier, tmp_path / "served")
    with pytest.raises(TrainingError, match="there already"):
        encoder_to_onnx(classifier, tmp_path / "served")
    with pytest.raises(TrainingError, match="no encoder"):
        encoder_to_onnx(tmp_path / "nothing", tmp_path / "other")
    with pytest.raises(ModelError, match=r"encoder\.json"):
        Encoder(tmp_path)
    bare = shutil.copytree(classifier, tmp_path / "bare")
    (bare / "tokenizer.json").unlink()
    (bare / "tokenizer_config.json").unlink()
    with pytest.raises(TrainingError, match="without its tokenizer"):
        encoder_to_onnx(bare, tmp_path / "other")
    (tmp_path / "served" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Encoder(tmp_path / "served")
    (tmp_path / "served" / "encoder.json").write_text(json.dumps({"task": "classify"}))
    with pytest.raises(ModelError, match="damaged"):
        Encoder(tmp_path / "served")


def test_an_onnx_file_of_another_task_is_refused(classifier: Path, embedder: Path, tmp_path: Path) -> None:
    encoder_to_onnx(classifier, tmp_path / "classifier")
    encoder_to_onnx(embedder, tmp_path / "embedder")
    settings = json.loads((tmp_path / "classifier" / "encoder.json").read_text(encoding="utf-8"))
    shutil.copy(tmp_path / "classifier" / "encoder.json", tmp_path / "embedder" / "encoder.json")
    with pytest.raises(
        ModelError, match=r"made for another task: it takes .* and puts out \[batch, 64\], .* \[batch, 3\]"
    ):
        Encoder(tmp_path / "embedder")
    for change, words in (
        ({"task": "rank"}, "its task is 'rank'; an encoder can classify, tag or embed"),
        ({"labels": ["good"]}, "1 labels for 3 columns"),
    ):
        (tmp_path / "classifier" / "encoder.json").write_text(json.dumps(settings | change), encoding="utf-8")
        with pytest.raises(ModelError, match=words):
            Encoder(tmp_path / "classifier")


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_a_missing_library_is_answered_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModelError, match=rf"{library} is not installed; run: pip install 'zhanggui\[encoder\]'"):
        Encoder(tmp_path)


def test_serving_loads_no_training_library(classifier: Path, tmp_path: Path) -> None:
    encoder_to_onnx(classifier, tmp_path / "served")
    code = (
        "import sys; from zhanggui.llm.encoder import Encoder; Encoder(sys.argv[1]).classify(['tea']); "
        "print(sorted({'torch', 'transformers', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "served")], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
