"""Text in header fields: encoded words of RFC 2047 where plain ASCII does not do. Knows no field by name.

Made here, since the standard library's folding of them differs from one Python to the next, and is wrong in some.
"""

import base64
import re

_WORD_BYTES = 45
"""An encoded word is at most 75 characters long: 12 around the base64 of so many bytes."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def one_line(text: str) -> str:
    """The text without what could end a header line and begin another."""
    return _CONTROLS.sub(" ", text)


def unstructured(text: str) -> str:
    """A field's text such as a subject: as it is where ASCII says the same, else in encoded words, one a line.

    Raises UnicodeEncodeError for half a surrogate pair.
    """
    line = one_line(text)
    return line if _is_plain(line) else encoded(line)


def phrase(text: str) -> str:
    """A display name before an address: atoms, a quoted string, or encoded words. Readers make one space of several."""
    line = " ".join(one_line(text).split())
    if not _is_plain(line):
        return encoded(line)
    if not line or _ATOMS.fullmatch(line):
        return line
    escaped = re.sub(r'(["\\])', r"\\\1", line)
    return f'"{escaped}"'


def encoded(text: str) -> str:
    """Encoded words in UTF-8, split between characters and folded one a line, so that decoders join them without a gap."""
    words: list[bytes] = [b""]
    for character in text:
        data = character.encode()
        if len(words[-1]) + len(data) > _WORD_BYTES:
            words.append(b"")
        words[-1] += data
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def _is_plain(line: str) -> bool:
    """Whether every reader finds in these characters what was written: ASCII, nothing like an encoded word, no edge of
    spaces that a parser takes away, and no longer than a line may be."""
    return line.isascii() and "=?" not in line and line == line.strip() and len(line) < 900
