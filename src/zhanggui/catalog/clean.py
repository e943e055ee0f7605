"""Makes untrusted feed text harmless: markup, control characters, chat control tokens. Keeps what people wrote.

CSV formulas ("=HYPERLINK(...)") are text to us; they are dangerous only in a spreadsheet, so leading formula signs
go where no product text has them.
"""

import html
import re
import unicodedata

_TAG = re.compile(
    # What nothing closes ends with the text (as in HTML, 13.2.5): to look for its end from each beginning takes forever.
    r"<!--.*?(?:-->|\Z)|<(script|style)\b[^<>]{0,2000}>.*?(?:</\1\s*>|\Z)|</?[a-zA-Z][^<>]{0,2000}>",
    re.DOTALL | re.IGNORECASE,
)
# Bidirectional overrides, zero-width and other format characters stand inside words; control characters between them.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_CHAT_TOKEN = re.compile(
    r"<\|[^|<>]{0,40}\|>|<\/?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<｜[^｜<>]{0,40}｜>"
    r"|^[^\S\n]*#{2,}\s*(?:instruction|system|assistant|user|response)s?\s*:?",
    re.IGNORECASE | re.MULTILINE,
)
_FORMULA = re.compile(r"^\s*(?:[=+\-@](?=[A-Za-z]+\s*\()|=|[+\-@](?=['\"]?cmd\b))[=+\-@\s]*", re.IGNORECASE)


def clean(text: str, *, lines: bool = False) -> str:
    """Plain text: no markup, no invisible characters, no chat control tokens, NFC, spaces collapsed."""
    text = _TAG.sub(" ", html.unescape(_TAG.sub(" ", text)))
    text = _CHAT_TOKEN.sub(" ", _CONTROL.sub(" ", _INVISIBLE.sub("", text)))
    text = _FORMULA.sub("", unicodedata.normalize("NFC", text))
    if lines:
        return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
    return " ".join(text.split())
