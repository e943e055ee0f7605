"""Which base is opened how."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from safetensors.torch import save_file  # noqa: E402

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.training.load import adapters, check_folder, context, encoder_decoder, load, load_in_4_bits  # noqa: E402
from zhanggui.training.seq2seq import load as load_encoder_decoder  # noqa: E402
from zhanggui.training.settings import LoraSettings  # noqa: E402


def test_the_shape_of_a_base_is_read_from_its_configuration(tmp_path: Path) -> None:
    for kind in ("t5", "bart", "mbart", "gpt2", "llama"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
        assert encoder_decoder(str(tmp_path / kind)) == (kind in ("t5", "bart", "mbart"))
    assert not encoder_decoder("default")
    assert not encoder_decoder("some/file.gguf")
    with pytest.raises(TrainingError, match="cannot be opened"):
        encoder_decoder(str(tmp_path / "nowhere"))


def test_a_folder_without_model_or_tokenizer_is_said_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no model: there is no config\.json"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}), encoding="utf-8")
    for opened in (load, load_encoder_decoder):
        with pytest.raises(TrainingError, match=r"without its tokenizer; put tokenizer\.json"):
            opened(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    save_file({"a": torch.zeros(100)}, tmp_path / "model.safetensors")
    check_folder(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for size in (4, 60, len(whole) - 1):
        (tmp_path / "model.safetensors").write_bytes(whole[:size])
        with pytest.raises(TrainingError, match=r"model\.safetensors are damaged or cut short"):
            load(str(tmp_path))


def test_adapters_are_those_of_the_settings() -> None:
    made = adapters(LoraSettings(rank=3, alpha=6, dropout=0.5), task="SEQ_2_SEQ_LM")
    assert (made.r, made.lora_alpha, made.lora_dropout, made.task_type) == (3, 6, 0.5, "SEQ_2_SEQ_LM")


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without one")
def test_four_bits_without_cuda_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match='needs a CUDA device, and there is none; write method = "lora"'):
        load_in_4_bits(str(tmp_path))


@pytest.mark.parametrize(("kind", "usable"), [("roberta", 30), ("bert", 32), ("mpnet", 30)])
def test_positions_behind_that_of_padding_are_not_counted_twice(kind: str, usable: int) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    shape = AutoConfig.for_model(
        kind, vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=32, pad_token_id=1, num_labels=2,
    )  # fmt: skip
    model = AutoModelForSequenceClassification.from_config(shape)
    assert context(model) == usable
    model(input_ids=torch.full((1, usable), 5))
    with pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.full((1, usable + 1), 5))
