"""A Hugging Face tokenizer as the `tokenizer.ggml.*` keys of a GGUF file. Knows no weights.

Format: llama.cpp, convert_hf_to_gguf.py and llama-vocab.cpp, which has its own splitting rule for every `pre` name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhanggui.errors import TrainingError
from zhanggui.training.chats import end_of_turn

_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SPLITS = {_LLAMA3: "llama-bpe", _LLAMA3.replace("{1,3}", ""): "qwen2"}
_SPACE = "▁"
_ROLES = ("bos", "eos", "unk", "pad")


@dataclass(frozen=True, kw_only=True)
class GgufTokenizer:
    """What llama.cpp must know to split text as the folder's tokenizer does."""

    model: str
    """"gpt2" (byte-level BPE), "llama" (SentencePiece BPE) or "t5" (SentencePiece Unigram)."""
    pre: str
    """Name of the splitting rule."""
    tokens: list[str]
    types: list[int]
    merges: list[str]
    """Of byte-level BPE: two tokens with a space between them, the most urgent first."""
    scores: list[float]
    """Of SentencePiece."""
    special: Mapping[str, int]
    """bos, eos, unk, pad, eot -> id; eot, the end of a turn, where it is not eos."""
    adds: Mapping[str, bool]
    """bos, eos -> whether every text gets one."""
    space_prefix: bool
    chat_template: str | list[dict[str, str]]
    """One, or several with their names; "" for none."""

    def write(self, writer: Any) -> None:
        """Add the keys to a gguf.GGUFWriter."""
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.merges:
            writer.add_token_merges(self.merges)
        if self.scores:
            writer.add_token_scores(self.scores)
            writer.add_add_space_prefix(self.space_prefix)
        for role, number in self.special.items():
            getattr(writer, f"add_{role}_token_id")(number)
        writer.add_add_bos_token(self.adds["bos"])
        writer.add_add_eos_token(self.adds["eos"])
        if self.chat_template:
            writer.add_chat_template(self.chat_template)


def read(folder: Path, size: int) -> GgufTokenizer:
    """The tokenizer of a Hugging Face folder, filled up to the `size` rows of the model's embeddings.

    Texts are split alike, but for one thing: characters that a Unigram spells in several bytes are unknown to llama.cpp.
    Raises TrainingError for a tokenizer that llama.cpp has no equal of.
    """
    from transformers import AutoTokenizer

    try:
        known = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} holds no tokenizer: {error}") from error
    path = folder / "tokenizer.json"
    # The file is what the model was trained with; a class of transformers may build its own splitting rule instead.
    told = json.loads(path.read_text(encoding="utf-8") if path.exists() else known.backend_tokenizer.to_str())
    model = told["model"]
    merges: list[str] = []
    if model["type"] == "Unigram":
        ids = _readable({token: number for number, (token, _) in enumerate(model["vocab"])})
        kind, pre = "t5", "default"
        scores = {token: float(score) for token, score in model["vocab"]}
    elif model["type"] == "BPE" and model.get("byte_fallback"):
        ids, kind, pre = model["vocab"], "llama", "default"
        scores = _spm_scores(ids, [_pair(one) for one in model["merges"]], folder)
    elif model["type"] == "BPE":
        ids, kind, pre, scores = model["vocab"], "gpt2", _pre(told, folder), {}
        merges = [" ".join(_pair(one)) for one in model["merges"]]
    else:
        raise TrainingError(f"{folder}: llama.cpp has no equal of a {model['type']} tokenizer in a decoder")
    tokens, types = _vocabulary(ids, told["added_tokens"], size, folder, spm=kind != "gpt2")
    special = {role: getattr(known, f"{role}_token_id") for role in _ROLES}
    if known.chat_template and (end := end_of_turn(known)) != special["eos"]:
        special["eot"] = end
    around = known("a", add_special_tokens=True)["input_ids"]
    return GgufTokenizer(
        model=kind,
        pre=pre,
        tokens=tokens,
        types=types,
        merges=merges,
        scores=[scores.get(token, -1000.0) for token in tokens] if scores else [],
        special={role: number for role, number in special.items() if number is not None},
        adds={
            "bos": special["bos"] is not None and around[0] == special["bos"],
            "eos": special["eos"] is not None and around[-1] == special["eos"],
        },
        space_prefix=_prefixes_space(told),
        chat_template=_templates(known.chat_template),
    )


def _templates(known: str | Mapping[str, str] | None) -> str | list[dict[str, str]]:
    if known is None or isinstance(known, str):
        return known or ""
    return [{"name": name, "template": template} for name, template in known.items()]


def _vocabulary(
    ids: Mapping[str, int], added: list[dict[str, Any]], size: int, folder: Path, *, spm: bool
) -> tuple[list[str], list[int]]:
    from gguf import TokenType

    tokens, types = [f"[PAD{number}]" for number in range(size)], [int(TokenType.UNUSED)] * size
    kinds = dict.fromkeys(ids.values(), TokenType.NORMAL)
    if spm:
        kinds |= {ids[token]: TokenType.BYTE for token in ids if _is_byte(token)}
    kinds |= {one["id"]: TokenType.CONTROL if one["special"] else TokenType.USER_DEFINED for one in added}
    if spm:
        kinds |= {number: TokenType.UNKNOWN for token, number in ids.items() if token == "<unk>"}  # noqa: S105
    if max(kinds) >= size:
        raise TrainingError(
            f"{folder}: the tokenizer has {max(kinds) + 1} tokens, but the model's embeddings {size} rows"
        )
    for token, number in ({**ids, **{one["content"]: one["id"] for one in added}}).items():
        tokens[number], types[number] = token, int(kinds[number])
    return tokens, types


def _pre(told: Mapping[str, Any], folder: Path) -> str:
    """llama.cpp's name of the rule that splits texts before byte-level BPE merges."""
    parts = list(_parts(told["pre_tokenizer"]))
    kinds = [one["type"] for one in parts]
    level = parts[-1] if kinds[-1:] == ["ByteLevel"] else {}
    if level and not level["add_prefix_space"]:
        own = level.get("use_regex", True)
        if kinds == ["ByteLevel"] and own:
            return "gpt-2"
        if kinds == ["Digits", "ByteLevel"] and own and parts[0]["individual_digits"]:
            return "smollm"
        if kinds == ["Split", "ByteLevel"] and not own and parts[0]["behavior"] == "Isolated":
            pattern = parts[0]["pattern"].get("Regex", "")
            if not parts[0]["invert"] and pattern in _SPLITS:
                return _SPLITS[pattern]
    raise TrainingError(
        f"{folder}: llama.cpp would split texts otherwise than this tokenizer ({', '.join(kinds) or 'no pre-tokenizer'}); "
        "it knows the rules of GPT-2, SmolLM, Llama 3 and Qwen2, without a space put before the text"
    )


def _parts(step: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The steps of a normalizer or a pre-tokenizer, sequences opened."""
    if step is not None:
        inner = step.get("pretokenizers") or step.get("normalizers")
        if inner is None:
            yield step
        else:
            for one in inner:
                yield from _parts(one)


def _spm_scores(ids: Mapping[str, int], merges: list[tuple[str, str]], folder: Path) -> dict[str, float]:
    """Scores that make llama.cpp merge in the order of `merges`.

    It merges any two tokens that make a third one, so every such pair must be among the merges; SentencePiece's are so.
    """
    rank: dict[str, int] = {}
    for number, (left, right) in enumerate(merges):
        rank.setdefault(left + right, number)
    listed = set(merges)
    for token in ids:
        for cut in range(1, len(token)):
            pair = token[:cut], token[cut:]
            if pair[0] in ids and pair[1] in ids and pair not in listed:
                raise TrainingError(
                    f"{folder}: llama.cpp would merge {pair[0]!r} and {pair[1]!r}, which this tokenizer does not; "
                    "a BPE with byte fallback can be exported when its merges are SentencePiece's"
                )
    return {token: float(-number) for token, number in rank.items()} | {
        token: 0.0 for token in ids if token not in rank
    }


def _prefixes_space(told: Mapping[str, Any]) -> bool:
    steps = [*_parts(told.get("normalizer")), *_parts(told.get("pre_tokenizer"))]
    return any(
        (one["type"] == "Prepend" and one["prepend"] == _SPACE)
        or (one["type"] == "Metaspace" and one.get("prepend_scheme", "always") != "never")
        for one in steps
    )


def _readable(ids: Mapping[str, int]) -> dict[str, int]:
    """llama.cpp's Unigram falls back on no bytes: the tokens of plain ones (such as the end of a line) say what they are."""
    plain = {f"<0x{byte:02X}>": chr(byte) for byte in range(1, 128)}
    return {plain[token] if plain.get(token, token) not in ids else token: number for token, number in ids.items()}


def _is_byte(token: str) -> bool:
    return len(token) == 6 and token.startswith("<0x") and token.endswith(">")


def _pair(merge: str | list[str]) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
