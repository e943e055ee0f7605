"""Tiny models of every shape, exported and computed by llama.cpp's own server: its figures are those of transformers."""

import json
import math
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
xllamacpp = pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.llm.local import LocalModel  # noqa: E402
from zhanggui.llm.model import ChatMessage, ChatRequest, Sampling  # noqa: E402
from zhanggui.training.chats import CHATML  # noqa: E402
from zhanggui.training.export import merge_adapter  # noqa: E402
from zhanggui.training.export_gguf import decoder_to_gguf  # noqa: E402
from zhanggui.training.gguf_tokenizer import _LLAMA3 as LLAMA3  # noqa: E402

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXTS = (
    "Green tea, 50 g: it's for quiet evenings!",
    "绿茶五十克，适合安静的夜晚。",
    "Order 12345 costs ¥1299.50\n\n  and   arrives\ton Monday 🚚",
    "<|im_start|>user\nWhat's new in 2026?<|im_end|>\n<|im_start|>assistant\n",
)
PROMPT = "A green tea for quiet evenings, and a lamp of 40 watts: 绿茶"
SMALL = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
LLAMA_ROPE = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 32}  # fmt: skip


def bytes_bpe(rule: str) -> Any:
    """A byte-level BPE trained on TEXTS, split by the rule of one of llama.cpp's families."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rule in ("gpt-2", "smollm"))
    before = {
        "gpt-2": [],
        "smollm": [pre_tokenizers.Digits(individual_digits=True)],
        "llama-bpe": [pre_tokenizers.Split(Regex(LLAMA3), "isolated")],
        "qwen2": [pre_tokenizers.Split(Regex(LLAMA3.replace("{1,3}", "")), "isolated")],
    }[rule]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence([*before, level]) if before else level
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        [*TEXTS[:3], PROMPT] * 2,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHATML
    )


def spm_bpe() -> Any:
    """A BPE as transformers makes one from SentencePiece: bytes to fall back on, every pair that makes a token merged."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=100, max_token_length=6, show_progress=False)
    trained.train_from_iterator([TEXTS[0], PROMPT] * 2, trainer)
    pieces = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    tokens = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", *(f"<0x{n:02X}>" for n in range(256)), *pieces]
    ids = {token: number for number, token in enumerate(tokens)}
    merges = [
        (token[:cut], token[cut:])
        for token in pieces
        for cut in range(1, len(token))
        if token[:cut] in ids and token[cut:] in ids
    ]
    made = Tokenizer(models.BPE(vocab=ids, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", chat_template=CHATML
    )


def unigram() -> Any:
    """A Unigram with bytes to fall back on, too few of its pieces being digits or ends of lines."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator([TEXTS[0], PROMPT] * 3, trainer)
    state = json.loads(made.to_str())
    state["model"]["vocab"] += [[f"<0x{n:02X}>", -30.0] for n in range(256)]
    state["model"]["byte_fallback"] = True
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)), unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        chat_template=CHATML,
    )  # fmt: skip


def save(shape: Any, tokenizer: Any, folder: Path, **options: Any) -> Path:
    """A random model of this shape, its weights large enough for the figures to differ from token to token."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(shape)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.normal_(1.0 if "norm" in name or ".ln_" in name else 0.0, 0.1)
    model.save_pretrained(folder, **options)
    tokenizer.save_pretrained(folder)
    return folder


def shape_of(kind: str, size: int) -> Any:
    from transformers import GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config

    ends = {"vocab_size": size, "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0}
    if kind == "gpt2":
        return GPT2Config(n_layer=2, n_embd=64, n_head=4, n_positions=128, **ends)
    if kind == "llama":
        return LlamaConfig(**SMALL, **ends)
    if kind == "llama3":
        return LlamaConfig(**SMALL, **ends, rope_parameters=LLAMA_ROPE, tie_word_embeddings=True)
    if kind == "qwen2":
        return Qwen2Config(**SMALL, **ends, tie_word_embeddings=True)
    return Qwen3Config(**SMALL, **ends, head_dim=32)


SHAPES = {"gpt2": "gpt-2", "llama": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2"}


@contextmanager
def served(path: Path) -> Iterator[httpx.Client]:
    """llama.cpp's server over a file."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel, parameters.verbosity, parameters.ui = 128, 1, -1, False
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.api_keys = [secrets.token_hex(8)]
    server = xllamacpp.Server(parameters)
    with httpx.Client(
        base_url=server.listening_address, headers={"Authorization": f"Bearer {parameters.api_keys[0]}"}, timeout=60
    ) as client:
        yield client
    del server


def compare(folder: Path, path: Path, *, tokens: int = 8) -> tuple[float, bool]:
    """(largest distance of a top-20 log-probability from transformers', whether the greedy continuations agree)."""
    import torch
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        known = model(ids).logits[0].log_softmax(-1)
        greedy = model.generate(ids, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)[0, ids.shape[1] :]
    ask = {"temperature": 0, "n_probs": 20, "return_tokens": True, "ignore_eos": True}
    distances = []
    with served(path) as client:
        answer = client.post("/completion", json=ask | {"prompt": ids[0].tolist(), "n_predict": tokens}).json()
        # The server gives no figures with a token that ends inside a character; so it may not say single bytes.
        ask |= {
            "n_predict": 1,
            "logit_bias": [[n, False] for token, n in tokenizer.get_vocab().items() if "<0x" in token],
        }
        for end in range(3, ids.shape[1] + 1):
            one = client.post("/completion", json=ask | {"prompt": ids[0, :end].tolist()}).json()
            for step in one.get("completion_probabilities", []):
                assert len(step["top_logprobs"]) == 20
                distances += [abs(each["logprob"] - float(known[end - 1, each["id"]])) for each in step["top_logprobs"]]
    assert len(distances) >= 100
    assert float((known.max(-1).values - known.median(-1).values).min()) > 0.5, "too flat to compare"
    return max(distances), answer["tokens"] == greedy.tolist()


@pytest.fixture(scope="module", params=sorted(SHAPES))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = bytes_bpe(SHAPES[request.param])
    # A few rows more than tokens, as real models have; the small shards are what large models come in.
    return save(
        shape_of(request.param, len(tokenizer) + 5),
        tokenizer,
        tmp_path_factory.mktemp(request.param) / "model",
        max_shard_size="60KB" if request.param == "qwen3" else "1GB",
    )


def test_16_bits_say_what_transformers_says(model: Path, tmp_path: Path) -> None:
    size = decoder_to_gguf(model, tmp_path / "model.gguf", precision="F16")
    assert size == (tmp_path / "model.gguf").stat().st_size
    distance, same = compare(model, tmp_path / "model.gguf")
    assert distance < 2e-2
    assert same


def test_8_bits_say_nearly_what_transformers_says(model: Path, tmp_path: Path) -> None:
    large = decoder_to_gguf(model, tmp_path / "large.gguf", precision="F16")
    assert decoder_to_gguf(model, tmp_path / "model.gguf", precision="Q8_0") < 0.8 * large
    distance, _ = compare(model, tmp_path / "model.gguf")
    assert distance < 0.15


def test_texts_are_split_as_the_folder_splits_them_and_chats_take_its_template(model: Path, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    decoder_to_gguf(model, tmp_path / "model.gguf")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
    turns = [{"role": "user", "content": "绿茶, 2026?"}]
    with served(tmp_path / "model.gguf") as client:
        for text in TEXTS:
            ask = {"content": text, "add_special": True, "parse_special": True}
            found = client.post("/tokenize", json=ask).json()["tokens"]
            assert found == tokenizer(text)["input_ids"], text
        told = client.post("/apply-template", json={"messages": turns}).json()["prompt"]
    assert told == tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)


def test_a_model_with_several_templates_leaves_with_all_of_them(tmp_path: Path) -> None:
    import gguf

    tokenizer = bytes_bpe("smollm")
    tokenizer.chat_template = {"default": CHATML, "tool_use": CHATML + "tools"}
    folder = save(shape_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    decoder_to_gguf(folder, tmp_path / "model.gguf")
    fields = gguf.GGUFReader(tmp_path / "model.gguf").fields
    assert fields["tokenizer.chat_template"].contents() == CHATML
    assert fields["tokenizer.chat_template.tool_use"].contents() == CHATML + "tools"


def test_the_shop_s_own_model_serves_the_file(tmp_path: Path) -> None:
    tokenizer = bytes_bpe("smollm")
    folder = save(shape_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    decoder_to_gguf(folder, tmp_path / "model.gguf", precision="Q8_0")
    model = LocalModel(tmp_path / "model.gguf", slots=1, context=128, threads=1)
    request = ChatRequest(messages=(ChatMessage(role="user", content="tea"),))
    answer = model.generate([request], sampling=Sampling(max_tokens=6, temperature=0))[0]
    assert 1 <= answer.completion_tokens <= 6


def test_a_model_that_can_think_aloud_is_asked_not_to(tmp_path: Path) -> None:
    tokenizer = bytes_bpe("qwen2")
    quiet = "{% if enable_thinking is defined and not enable_thinking %}<|im_start|>quiet{% endif %}"
    tokenizer.chat_template = CHATML + quiet
    folder = save(shape_of("qwen3", len(tokenizer)), tokenizer, tmp_path / "model")
    decoder_to_gguf(folder, tmp_path / "model.gguf")
    model = LocalModel(tmp_path / "model.gguf", slots=1, context=128, threads=1)
    request = ChatRequest(messages=(ChatMessage(role="user", content="tea"),))
    turns = [{"role": "user", "content": "tea"}]
    told = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False, enable_thinking=False)
    assert "quiet" in told
    answer = model.generate([request], sampling=Sampling(max_tokens=2, temperature=0))[0]
    assert answer.prompt_tokens == len(tokenizer(told)["input_ids"])


@pytest.mark.parametrize("make", [spm_bpe, unigram])
def test_sentencepiece_texts_are_split_alike(make: Any, tmp_path: Path) -> None:
    tokenizer = make()
    folder = save(shape_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    decoder_to_gguf(folder, tmp_path / "model.gguf")
    known = TEXTS if make is spm_bpe else (TEXTS[0], TEXTS[3])
    with served(tmp_path / "model.gguf") as client:
        for text in (*known, PROMPT):
            found = client.post("/tokenize", json={"content": text, "parse_special": True}).json()["tokens"]
            assert found == tokenizer(text)["input_ids"], text
            told = client.post("/detokenize", json={"tokens": found}).json()["content"]
            assert told.replace(" ", "") == text.replace(" ", "")
    assert compare(folder, tmp_path / "model.gguf")[0] < 2e-2


def test_an_adapter_is_merged_before_it_is_exported(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    tokenizer = bytes_bpe("qwen2")
    base = save(shape_of("qwen3", len(tokenizer)), tokenizer, tmp_path / "base")
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=4, target_modules="all-linear"))
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_B" in name:
                value.normal_(0.0, 0.1)
    adapted.save_pretrained(tmp_path / "adapter")
    merge_adapter(str(base), tmp_path / "adapter", tmp_path / "merged")
    decoder_to_gguf(tmp_path / "merged", tmp_path / "model.gguf")
    assert compare(tmp_path / "merged", tmp_path / "model.gguf") == (pytest.approx(0, abs=2e-2), True)
    assert compare(base, tmp_path / "model.gguf")[0] > 2e-2, "the adapter changed nothing"


def test_what_llama_cpp_would_compute_otherwise_is_refused(tmp_path: Path) -> None:
    tokenizer = bytes_bpe("smollm")
    folder = save(shape_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    settings = json.loads((folder / "config.json").read_text())

    def config(**fields: object) -> None:
        (folder / "config.json").write_text(json.dumps(settings | fields))

    for fields, words in (
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"model_type": "bert"}, "bert"),
        ({"vocab_size": 3, "tie_word_embeddings": True, "model_type": "gpt2"}, "no name for the tensor"),
    ):
        config(**fields)
        with pytest.raises(TrainingError, match=words):
            decoder_to_gguf(folder, tmp_path / "model.gguf")
    config()
    told = json.loads((folder / "tokenizer.json").read_text())
    told["pre_tokenizer"] = {"type": "Whitespace"}
    (folder / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(TrainingError, match="split texts otherwise"):
        decoder_to_gguf(folder, tmp_path / "model.gguf")
    spm_bpe().save_pretrained(folder)
    told = json.loads((folder / "tokenizer.json").read_text())
    del told["model"]["merges"][-1]
    (folder / "tokenizer.json").write_text(json.dumps(told))
    config(vocab_size=600)
    with pytest.raises(TrainingError, match="SentencePiece's"):
        decoder_to_gguf(folder, tmp_path / "model.gguf")
    (folder / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"model\.safetensors is missing"):
        decoder_to_gguf(folder, tmp_path / "model.gguf")
    assert not list(tmp_path.glob("*.gguf*"))


def test_log_probabilities_of_the_server_are_of_every_token(tmp_path: Path) -> None:
    """What the comparisons rest on: the server's figures are a softmax over the vocabulary, not over the top 20."""
    tokenizer = bytes_bpe("smollm")
    folder = save(shape_of("llama", len(tokenizer)), tokenizer, tmp_path / "model")
    decoder_to_gguf(folder, tmp_path / "model.gguf")
    with served(tmp_path / "model.gguf") as client:
        answer = client.post(
            "/completion", json={"prompt": "tea", "n_predict": 1, "temperature": 0, "n_probs": 20}
        ).json()
    assert sum(math.exp(one["logprob"]) for one in answer["completion_probabilities"][0]["top_logprobs"]) < 0.9
