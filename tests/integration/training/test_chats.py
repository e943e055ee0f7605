"""Answers end where generation stops: bases without tokens for turns, and bases whose texts and turns end differently."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

pytest.importorskip("trl", reason="the extra `train` is not installed")
pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.llm.local import LocalModel  # noqa: E402
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling  # noqa: E402
from zhanggui.storage import Artifact, ArtifactStore  # noqa: E402
from zhanggui.training import kept  # noqa: E402
from zhanggui.training.answers import tokenize  # noqa: E402
from zhanggui.training.chats import end_of_turn, ended  # noqa: E402
from zhanggui.training.finetune import finetune  # noqa: E402
from zhanggui.training.load import load  # noqa: E402
from zhanggui.training.models import new_model  # noqa: E402
from zhanggui.training.rows import Pair  # noqa: E402
from zhanggui.training.settings import (  # noqa: E402
    FinetuneSettings,
    LimitSettings,
    LoraSettings,
    ShapeSettings,
    TokenizerSettings,
)
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOODS = ("tea", "cup", "lamp", "soap", "book", "shoe", "hat", "bag", "pen", "rug")
LINES = [
    {"prompt": f"about: {one} {n}", "completion": f"A {one} for quiet evenings."} for one in GOODS for n in range(8)
]
PAIR = Pair(prompt=({"role": "user", "content": "about: tea 1"},), answer="A tea for quiet evenings.", group="")


def gpt2_words() -> Any:
    """As GPT-2's: one special token, no template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    made.train_from_iterator([" ".join(one.values()) for one in LINES], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>", bos_token="<|endoftext|>")


def llama_words() -> Any:
    """As Llama's: no tokens for turns, and every text begins with <s>."""
    from tokenizers import processors

    texts = [" ".join(one.values()) for one in LINES]
    with patch("zhanggui.training.tokenizer.TURNS", ()):
        words = train_tokenizer(texts, TokenizerSettings(kind="bpe", vocabulary=600), context=256)
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", words.bos_token_id)]
    )
    return words


def own_words() -> Any:
    """As those of decoders that are pretrained here."""
    return train_tokenizer([" ".join(one.values()) for one in LINES], TokenizerSettings(vocabulary=400), context=256)


def bert_words() -> Any:
    """As those of Chinese GPT-2s."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["about", "user", "assistant", ":", "tea", "1", "A", "for", "quiet", "evenings", "."],
    ]
    made = Tokenizer(models.WordPiece({one: n for n, one in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def save(words: Any, folder: Path, kind: str = "llama") -> Path:
    from transformers import set_seed

    set_seed(0)
    if words.pad_token is None:
        words.pad_token = words.eos_token
    words.save_pretrained(folder)
    ended(words)
    new_model(ShapeSettings(kind=kind, hidden=64, layers=2, heads=4), words, context=256).save_pretrained(folder)  # type: ignore[arg-type]
    return folder


def tune(base: Path, out: Path, **fields: Any) -> Artifact:
    (out / "pairs.jsonl").write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    given = FinetuneSettings(
        name="tiny", base=str(base), data="pairs.jsonl", epochs=8, learning_rate=1e-2, validation=0.2, max_tokens=128,
        lora=LoraSettings(rank=8, alpha=16, dropout=0.0),  # so few steps must learn it whatever a mask leaves out
        limits=LimitSettings(general_perplexity=1e9, repetition_4=1.0),
    )  # fmt: skip
    return finetune(
        replace(given, **fields), folder=out, artifacts=ArtifactStore(out / "kept"), work=out / "work", now=NOW
    )


def ends(folder: Path) -> Any:
    return json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))["eos_token_id"]


@pytest.mark.parametrize(
    ("make", "begin", "end"),
    [(gpt2_words, [], "<|endoftext|>"), (llama_words, ["<s>"], "</s>"), (bert_words, ["[CLS]"], "[SEP]"),
     (own_words, ["<|im_start|>"], "<|im_end|>")],
)  # fmt: skip
def test_an_answer_ends_in_one_token_that_stops_generation(
    make: Any, begin: list[str], end: str, tmp_path: Path
) -> None:
    model, tokenizer = load(str(save(make(), tmp_path)))
    row = tokenize([PAIR], tokenizer, longest=200)[0]
    tokens = tokenizer.convert_ids_to_tokens(row.input_ids.tolist())
    assert tokens[: len(begin)] == begin
    assert tokens[-1] == end
    learned = tokenizer.decode(row.labels[row.labels != -100], skip_special_tokens=True)
    assert learned.replace(" ", "").lower() == PAIR.answer.replace(" ", "").lower()
    stops = model.generation_config.eos_token_id
    assert row.input_ids[-1] in (stops if isinstance(stops, list) else [stops])
    assert end_of_turn(tokenizer) == row.input_ids[-1]


def test_nothing_that_ends_a_text_is_said_with_what_to_do(tmp_path: Path) -> None:
    words = bert_words()
    save(words, tmp_path)
    told = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    del told["sep_token"], told["cls_token"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(TrainingError, match="ends a text; name one as eos_token"):
        load(str(tmp_path))


@pytest.mark.parametrize("make", [gpt2_words, own_words])
def test_a_tuned_model_stops_by_itself_here_and_where_it_is_served(make: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    made = tune(save(make(), tmp_path / "base", "gpt2"), tmp_path, method="full")
    said = json.loads((made.path / "samples.json").read_text(encoding="utf-8"))
    assert all(one["answer"].endswith("evenings.") for one in said)
    folder = made.path / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    stops = ends(folder)
    assert end_of_turn(tokenizer) in (stops if isinstance(stops, list) else [stops])
    turns = [dict(turn) for turn in PAIR.prompt]
    told = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**told, max_new_tokens=40, do_sample=False)[0, told["input_ids"].shape[1] :]
    assert out[-1] == end_of_turn(tokenizer)
    served = LocalModel(**kept.serving(made, tmp_path), slots=1, context=256, threads=1)  # type: ignore[arg-type]
    request = ChatRequest(messages=(ChatMessage(role="user", content="about: tea 1"),))
    answer = served.generate([request], sampling=Sampling(max_tokens=40, temperature=0))[0]
    assert answer.finish_reasons == ("stop",)
    assert answer.prompt_tokens == told["input_ids"].shape[1]
    assert answer.texts[0].strip() == tokenizer.decode(out, skip_special_tokens=True).strip()


@pytest.mark.parametrize("make", [llama_words, own_words])
def test_an_adapter_carries_its_template_and_its_stop_to_where_it_is_served(make: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    made = tune(save(make(), tmp_path / "base"), tmp_path, method="lora")
    folder = made.path / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    stops = ends(folder)
    assert end_of_turn(tokenizer) in (stops if isinstance(stops, list) else [stops])
    # llama.cpp would ask a base without a template in ChatML: an adapter that learned another is merged.
    assert ("adapter.gguf" in made.files) == (make is own_words)
    served = LocalModel(**kept.serving(made, tmp_path), slots=1, context=256, threads=1)  # type: ignore[arg-type]
    request = ChatRequest(messages=(ChatMessage(role="user", content="about: tea 1"),))
    answer = served.generate([request], sampling=Sampling(max_tokens=40, temperature=0))[0]
    assert answer.finish_reasons == ("stop",)
    told = tokenizer.apply_chat_template([dict(turn) for turn in PAIR.prompt], add_generation_prompt=True)
    assert answer.prompt_tokens == len(told["input_ids"])
