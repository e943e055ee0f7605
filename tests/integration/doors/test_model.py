"""`zhanggui model` over a shop and real, tiny artifacts: what is listed, what serves, what leaves."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.cli.main import app  # noqa: E402
from zhanggui.config import load  # noqa: E402
from zhanggui.engine import Engine  # noqa: E402
from zhanggui.errors import ArtifactError, ModelError, TrainingError  # noqa: E402
from zhanggui.llm.encoder import Encoder  # noqa: E402
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling  # noqa: E402
from zhanggui.storage import ArtifactStore  # noqa: E402
from zhanggui.training.chats import CHATML  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["model", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made.train_from_iterator(
        ["green tea, lamp"], trainers.BpeTrainer(vocab_size=270, special_tokens=special, initial_alphabet=alphabet)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHATML
    )


def save_decoder(folder: Path) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(words), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, max_position_embeddings=2048, bos_token_id=None, eos_token_id=2, pad_token_id=0)
    )  # fmt: skip
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return model


def keep(
    shop: Path, name: str, fill: Callable[[Path], object], *, version: str = "1", metrics: Mapping[str, Any] | None = None, **config: Any
) -> Path:  # fmt: skip
    store = ArtifactStore(shop / "data" / "artifacts")
    with store.create(name, version, now=NOW, config=config, data_hash="abc") as draft:
        fill(draft.path)
        draft.metrics.update(metrics or {})
    return store.get(name, version).path


def adapter_on(base: Path) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        from zhanggui.training.export import BASE_CONFIG, adapter_to_gguf

        model = AutoModelForCausalLM.from_pretrained(base)
        adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
        adapted.save_pretrained(folder / "model")
        model.config.to_json_file(folder / "model" / BASE_CONFIG)
        adapter_to_gguf(folder / "model", folder / "adapter.gguf")

    return fill


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Engine.create(tmp_path / "shop")
    return tmp_path / "shop"


def answers(shop: Path) -> str:
    """Whether the model that the shop's settings name loads and answers."""
    with Engine.open(shop) as engine:
        model = engine.models.writer()
        assert model is not None
        request = ChatRequest(messages=(ChatMessage(role="user", content="tea"),))
        assert model.generate([request], sampling=Sampling(max_tokens=4))[0].completion_tokens >= 1
        return model.identity


def test_a_decoder_is_listed_shown_and_serves_after_one_line(shop: Path) -> None:
    metrics = {"before": {"validation_loss": 3.0}, "after": {"validation_loss": 1.25, "bleu_4": 0.5}}
    keep(
        shop, "writer", lambda path: save_decoder(path / "model"), metrics=metrics, licence="Apache-2.0", prompt="brief"
    )
    keep(shop, "policy/welcome", lambda path: (path / "state.json").write_text("{}"))
    listed = run("list", "-C", str(shop)).splitlines()
    assert [line.split()[:3] for line in listed] == [["policy/welcome", "1", "policy"], ["writer", "1", "decoder"]]
    assert "validation_loss 1.25" in listed[1]
    shown = run("show", "writer:1", "-C", str(shop))
    for words in ("licence", "Apache-2.0", "after.bleu_4", "model/config.json", "decoder"):
        assert words in shown
    run("use", "writer", "--languages", "en,zh", "-C", str(shop))
    settings = load(shop).model
    assert settings.languages == ("en", "zh")
    assert settings.options["prompt"] == "brief"
    assert answers(shop).startswith("writer-1.gguf@")
    assert [line[0] for line in run("list", "-C", str(shop)).splitlines()] == [" ", "*"]
    assert [one["in_use"] for one in json.loads(run("list", "--json", "-C", str(shop)))] == [False, True]


def test_an_adapter_on_a_gguf_base_lies_beside_it(shop: Path, tmp_path: Path) -> None:
    from zhanggui.training.export_gguf import decoder_to_gguf

    save_decoder(tmp_path / "base")
    decoder_to_gguf(tmp_path / "base", tmp_path / "base.gguf")
    made = keep(shop, "writer", adapter_on(tmp_path / "base"), base=str(tmp_path / "base.gguf"), prompt="brief")
    run("use", "writer", "-C", str(shop))
    assert load(shop).model.options == {
        "path": str(tmp_path / "base.gguf"), "adapter": str(made / "adapter.gguf"), "prompt": "brief"
    }  # fmt: skip
    assert "adapter.gguf@" in answers(shop)
    assert run("list", "-C", str(shop)).startswith("*  writer")
    (tmp_path / "base.gguf").unlink()
    with pytest.raises(TrainingError, match="--base"):
        run("use", "writer", "-C", str(shop))


def test_an_adapter_on_a_folder_is_merged_and_exported_once(shop: Path, tmp_path: Path) -> None:
    save_decoder(tmp_path / "base")
    keep(shop, "writer", adapter_on(tmp_path / "base"), base=str(tmp_path / "base"))
    run("use", "writer:1", "-C", str(shop))
    assert answers(shop).startswith("writer-1.gguf@")
    made = (shop / "data" / "models" / "writer-1.gguf").stat().st_mtime_ns
    run("use", "writer:1", "-C", str(shop))
    assert (shop / "data" / "models" / "writer-1.gguf").stat().st_mtime_ns == made
    assert [one.name for one in (shop / "data" / "models").iterdir()] == ["writer-1.gguf"]


def save_classifier(path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    words = tokenizer()
    shape = BertConfig(vocab_size=len(words), hidden_size=64, num_hidden_layers=1, num_attention_heads=2,
                       intermediate_size=64, max_position_embeddings=64, num_labels=2, id2label={0: "no", 1: "yes"})  # fmt: skip
    BertForSequenceClassification(shape).save_pretrained(path / "model")
    words.save_pretrained(path / "model")


def test_exports_leave_in_the_asked_format(shop: Path, tmp_path: Path) -> None:
    keep(shop, "moods", save_classifier)
    keep(shop, "writer", lambda path: save_decoder(path / "model"))
    where = ("-C", str(shop))
    run("export", "moods", "--to", "onnx", "--type", "int8", "--out", str(tmp_path / "moods"), *where)
    assert Encoder(tmp_path / "moods", threads=1).labels == ("no", "yes")
    run("export", "writer:1", "--to", "gguf", "--type", "F16", "--out", str(tmp_path / "large.gguf"), *where)
    run("export", "writer:1", "--to", "gguf", "--type", "Q8_0", "--out", str(tmp_path / "small.gguf"), *where)
    assert (tmp_path / "small.gguf").stat().st_size < (tmp_path / "large.gguf").stat().st_size
    for name, form, words in (("moods", "gguf", "kind encoder"), ("writer", "onnx", "no encoder")):
        with pytest.raises(TrainingError, match=words):
            run("export", name, "--to", form, "--out", str(tmp_path / "wrong"), *where)
    with pytest.raises(TrainingError, match="not as int8"):
        run("export", "writer", "--to", "gguf", "--type", "int8", "--out", str(tmp_path / "wrong"), *where)
    with pytest.raises(TrainingError, match=r"only decoders.*: a classifier labels texts by `zhanggui model classify`"):
        run("use", "moods", *where)
    with pytest.raises(ArtifactError, match="there is moods, writer"):
        run("show", "nobody", *where)


def test_a_classifier_labels_the_texts_of_a_file_and_of_standard_input(shop: Path, tmp_path: Path) -> None:
    keep(shop, "moods", save_classifier)
    keep(shop, "writer", lambda path: save_decoder(path / "model"))
    where, out = ("-C", str(shop)), tmp_path / "labels.jsonl"
    rows = [{"id": "a", "body": "green tea"}, {"id": "b", "body": ""}, {"id": "c", "body": "<p>ｌａｍｐ</p>"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run("classify", "moods", str(tmp_path / "rows.jsonl"), "--text", "body", "--keep", "id", "--out", str(out), *where)
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(one["id"], one["text"], one["source"]) for one in found] == [
        ("a", "green tea", "rows.jsonl:1"),
        ("c", "<p>ｌａｍｐ</p>", "rows.jsonl:3"),
    ]
    run("export", "moods", "--to", "onnx", "--out", str(tmp_path / "moods"), *where)
    known = Encoder(tmp_path / "moods", threads=1).probabilities(["green tea", "lamp"])
    for one, shares in zip(found, known, strict=True):
        assert one["label"] == ("no", "yes")[shares.argmax()]
        assert one["probability"] == max(one["probabilities"].values())
        assert [*one["probabilities"].values()] == pytest.approx(shares.tolist(), abs=1e-4)
    (refused,) = (tmp_path / "labels.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(refused)["line"] == 2
    done = CliRunner().invoke(app, ["model", "classify", str(tmp_path / "moods")], input="lamp\n\ngreen tea\n")
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == ["stdin:1", "stdin:3"]
    assert [json.loads(line)["probabilities"] for line in done.stdout.splitlines()][::-1] == [
        one["probabilities"] for one in found
    ]
    with pytest.raises(TrainingError, match="writer 1 is of kind decoder; only encoders label texts"):
        run("classify", "writer", str(out), *where)
    listed = run("list", *where)
    assert sorted(line.split()[0] for line in listed.splitlines()) == ["moods", "writer"]


def test_artifacts_of_another_folder_are_found(shop: Path, tmp_path: Path) -> None:
    keep(shop, "writer", lambda path: (path / "model.gguf").write_bytes(b"GGUF"))
    shutil.move(shop / "data" / "artifacts", tmp_path / "artifacts")
    assert "writer" in run("list", "--store", str(tmp_path / "artifacts"), "-C", str(tmp_path))
    run("use", "writer", "--store", str(tmp_path / "artifacts"), "-C", str(shop))
    assert load(shop).model.options == {"path": str(tmp_path / "artifacts" / "writer" / "1" / "model.gguf")}


def test_a_pulled_model_serves_in_its_languages(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"data/models/Qwen3-0\.6B-Q8_0\.gguf"):
        run("pull", "qwen3-0.6b-gguf", "-C", str(shop))
    with pytest.raises(ModelError, match="model pull Qwen3-0"):
        run("use", "qwen3-0.6b-gguf", "-C", str(shop))
    path = shop / "data" / "models" / "Qwen3-0.6B-Q8_0.gguf"
    path.write_bytes(b"GGUF")
    run("use", "qwen3-0.6b-gguf", "-C", str(shop))
    assert load(shop).model.options == {"path": str(path)}
    assert load(shop).model.languages == ("en", "zh")
    assert "Qwen3-4B-GGUF" in run("pull")
