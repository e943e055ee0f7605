"""Trains tokenizers: byte-level BPE, BPE and Unigram with bytes to fall back on, WordPiece. The library `tokenizers` does the work."""

import json
from collections.abc import Iterable
from typing import Any

from zhanggui.training.settings import TokenizerSettings

SPECIAL = {
    "wordpiece": {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    "byte_bpe": {"eos": "<|endoftext|>", "pad": "<|pad|>"},
    "bpe": {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
    "unigram": {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
}
# Turns of a chat, so that what was pretrained here can be fine-tuned on chats without new tokens.
TURNS = ("<|im_start|>", "<|im_end|>")
BYTES = [f"<0x{one:02X}>" for one in range(256)]


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings, *, context: int, masked: bool = False) -> Any:
    """A `PreTrainedTokenizerFast` of at most `settings.vocabulary` tokens, trained on `texts`.

    Byte-level BPE: Radford et al. 2019. Unigram: Kudo 2018. WordPiece: Schuster and Nakajima 2012, with each
    Chinese character apart as in BERT. With `masked`, any kind has the tokens that BERT's objectives need.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    kind = settings.kind
    roles = SPECIAL["wordpiece"] if masked else SPECIAL[kind]
    special = [*roles.values(), *(() if masked else TURNS)]
    unknown = roles.get("unk")
    common: dict[str, Any] = {"vocab_size": settings.vocabulary, "show_progress": False}
    if kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token=unknown, max_input_chars_per_word=100))
        made.normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
        texts = list(texts)
        # The trainer numbers pieces inside words in the order of a hash table, another in each process; ties follow
        # the numbers. Numbered first, they are the same in every run.
        trainer: Any = trainers.WordPieceTrainer(
            special_tokens=special + _inner(made, texts), limit_alphabet=settings.vocabulary // 2, **common
        )
    elif kind == "byte_bpe":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet, **common)
    else:
        made = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True) if kind == "bpe" else models.Unigram())
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        made.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        common["vocab_size"] -= len(BYTES)
        # Characters that are seldom there are spelt in bytes, so half of the vocabulary is left for words.
        trainer = (
            trainers.BpeTrainer(special_tokens=special, limit_alphabet=settings.vocabulary // 2, **common)
            if kind == "bpe"
            else trainers.UnigramTrainer(special_tokens=special, unk_token=unknown, **common)
        )
    made.train_from_iterator(texts, trainer)
    if kind in ("bpe", "unigram"):
        made = _with_bytes(made, kind)
    elif kind == "wordpiece":
        made = _without_added(made, keep=special)
    if masked:
        ends = [(roles[one], made.token_to_id(roles[one])) for one in ("cls", "sep")]
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
        )
    names = {f"{role}_token": token for role, token in roles.items()}
    # An encoder tells the two sentences of a pair apart by their token types.
    inputs = ["input_ids", *(["token_type_ids"] if masked else []), "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=context, model_input_names=inputs, **names)


def _inner(made: Any, texts: Iterable[str]) -> list[str]:
    """Every character that stands inside a word, as WordPiece writes it: ##x; sorted."""
    found: set[str] = set()
    for text in texts:
        for word, _ in made.pre_tokenizer.pre_tokenize_str(made.normalizer.normalize_str(text)):
            found.update(word[1:])
    return [f"##{one}" for one in sorted(found)]


def _without_added(made: Any, *, keep: Iterable[str]) -> Any:
    """The tokenizer with no special token but those to keep; the others stay ordinary ones."""
    from tokenizers import Tokenizer

    state = json.loads(made.to_str())
    state["added_tokens"] = [one for one in state["added_tokens"] if one["content"] in set(keep)]
    return Tokenizer.from_str(json.dumps(state))


def _with_bytes(made: Any, kind: str) -> Any:
    """The tokenizer with a token for each byte: what no other token spells is spelt in bytes, never unknown."""
    from tokenizers import Tokenizer

    state = json.loads(made.to_str())
    model = state["model"]
    model["byte_fallback"] = True
    if kind == "bpe":
        for token in BYTES:
            model["vocab"][token] = len(model["vocab"])
        # Every pair that makes a token may merge, in the order of the tokens: SentencePiece's rule, which llama.cpp keeps.
        known = model["vocab"]
        model["merges"] = [
            [token[:cut], token[cut:]]
            for token in sorted(known, key=known.__getitem__)
            if token not in BYTES
            for cut in range(1, len(token))
            if token[:cut] in known and token[cut:] in known
        ]
    else:
        lowest = min(score for _, score in model["vocab"])
        model["vocab"] += [[token, lowest - 10] for token in BYTES]
    return Tokenizer.from_str(json.dumps(state))
