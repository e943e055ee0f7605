"""How a decoder's tokenizer writes a chat, and which token ends a turn of it. Knows no weights and no data."""

from collections.abc import Mapping, Sequence
from typing import Any

from zhanggui.errors import TrainingError

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN = (
    "{% for message in messages %}{{ message['role'] + ':\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\n' }}{% endif %}"
)
"""Ordinary text, of a tokenizer that has no tokens for turns; an answer ends as a text does."""
VARIABLES = {"enable_thinking": False}
"""Of a template, in training as in serving: models that can think aloud (Qwen3) would; other templates ignore this."""
_BEGIN = "{{ bos_token }}"
_ANSWER = "掌柜"


def ready(tokenizer: Any, model: Any) -> Any:
    """The tokenizer of a decoder, with an end of texts, a token to pad with and a chat template; `model` is told to stop
    where a turn ends. Raises TrainingError where nothing ends a text.
    """
    ended(tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None:
        template = CHATML if {"<|im_start|>", "<|im_end|>"} <= tokenizer.get_vocab().keys() else PLAIN
        # Where every text gets a beginning, llama.cpp puts one before a chat, too.
        begins = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        tokenizer.chat_template = _BEGIN + template if begins else template
    stops = model.generation_config.eos_token_id
    stops = stops if isinstance(stops, list) else [] if stops is None else [stops]
    end = end_of_turn(tokenizer)
    if end not in stops:
        model.generation_config.eos_token_id = [end, *stops]
    return tokenizer


def ended(tokenizer: Any) -> None:
    """Give a decoder's tokenizer an end of texts, if it is called otherwise: BERT's, as Chinese GPT-2s have, begin a text
    with [CLS] and end it with [SEP]. Raises TrainingError where nothing ends a text.
    """
    if tokenizer.eos_token is None:
        tokenizer.eos_token = tokenizer.sep_token or tokenizer.bos_token
        tokenizer.bos_token = tokenizer.bos_token or tokenizer.cls_token
    if tokenizer.eos_token is None:
        raise TrainingError(
            f"no token of the tokenizer {tokenizer.name_or_path} ends a text; name one as eos_token in its tokenizer_config.json"
        )


def written(tokenizer: Any, turns: Sequence[Mapping[str, str]], *, asking: bool) -> str:
    """The turns as one text, with `asking` up to where the assistant's answer starts."""
    plain = [dict(turn) for turn in turns]
    return str(tokenizer.apply_chat_template(plain, add_generation_prompt=asking, tokenize=False, **VARIABLES))


def beginning(tokenizer: Any) -> int:
    """The token that a text is foretold from: the beginning of texts, or the end where there is no beginning (GPT-2)."""
    return int(tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id)


def end_of_turn(tokenizer: Any) -> int | None:
    """The token that ends an answer in the chat template: the end of texts where the template writes ordinary text."""
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _ANSWER}]
    tail = written(tokenizer, turns, asking=False).rpartition(_ANSWER)[2].strip()
    first = (tokenizer(tail, add_special_tokens=False)["input_ids"] or [None])[0]
    end: int | None = first if first in tokenizer.added_tokens_decoder else tokenizer.eos_token_id
    return end


def is_plain(tokenizer: Any) -> bool:
    """Whether its template is of our making, and one that llama.cpp would not guess: it takes ChatML where a file has none."""
    return str(tokenizer.chat_template).removeprefix(_BEGIN) == PLAIN
