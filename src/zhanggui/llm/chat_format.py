"""Keeps untrusted text from forging chat turns, and asks for answers in JSON. Knows common control tokens, no template."""

import re
from collections.abc import Mapping
from typing import Any

# ChatML, Llama 2 and 3, Mistral, Gemma, DeepSeek, Phi: whatever looks like a control token to one of them. A line that is
# nothing but a role starts a turn of models whose chats are ordinary text.
_TOKEN = re.compile(
    r"<\|[^|<>\n]{0,64}\|>|<｜[^｜<>\n]{0,64}｜>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|^[ \t]*(?:system|user|assistant):[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)


def defuse(text: str) -> str:
    """`text` with its control tokens taken out, until none is left (also none that the taking out has made)."""
    while True:
        cleaned = _TOKEN.sub(" ", text)
        if cleaned == text:
            return text
        text = cleaned


def json_answer(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `response_format` of chat completions by which a server holds an answer to this JSON Schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}
