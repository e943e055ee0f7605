"""Keeps untrusted text from forging chat turns. Knows the control tokens of common chat templates, no template."""

import re

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
