"""Bytes of a file as text: UTF-8, GB18030 or UTF-16, told apart by what is in it, line by line where a file mixes them.

Bytes that are not in the file's own encoding come out as lone surrogates (PEP 383), so that a reader can refuse their
row, and theirs alone. Knows no format. Big5, Shift-JIS and the Windows code pages are not known.
"""

import codecs
import re
from typing import Literal, NamedTuple

Encoding = Literal["utf-8", "gb18030", "utf-16-le", "utf-16-be", "empty"]
_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMON = 0.8
"""Share of a line's signs beyond ASCII that GB 2312 (1980) has, from which we take it for Chinese and not for chance."""


class Decoded(NamedTuple):
    """A file's text, and what it was written in."""

    text: str
    encoding: Encoding


def decode(data: bytes) -> Decoded:
    """The text of a file; NUL characters are dropped, lines end as they stood."""
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        return Decoded("", "empty")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :]
            return _utf16(data, encoding) if encoding != "utf-8" else _by_line(data)
    if (wide := _looks_wide(data)) is not None:
        return _utf16(data, wide)
    return _by_line(data)


def is_broken(text: str) -> bool:
    """Whether some bytes of this text could not be read in the file's encoding."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def original(text: str) -> bytes:
    """The bytes that a broken text came from, what could be read of it in UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair of UTF-16
        return text.encode("utf-8", "replace")


def _looks_wide(data: bytes) -> Encoding | None:
    """UTF-16 without its mark: every other byte of the ASCII in it, line ends at least, is zero."""
    head = data[: 1 << 16]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 50 < len(head) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _utf16(data: bytes, encoding: Encoding) -> Decoded:
    # What UTF-16 cannot pair becomes U+FFFD, which the file may also hold by right; a lone surrogate says which.
    text = data[: len(data) // 2 * 2].decode(encoding, "surrogatepass")
    return Decoded(text.replace("\x00", ""), encoding)


def _by_line(data: bytes) -> Decoded:
    try:
        return Decoded(data.decode("utf-8").replace("\x00", ""), "utf-8")
    except UnicodeDecodeError:
        pass
    # Neither encoding has a line feed inside a character.
    lines = data.replace(b"\x00", b"").split(b"\n")
    utf8 = [_is_utf8(line) for line in lines]
    chinese = [None if fine else _gb18030(line) for fine, line in zip(utf8, lines, strict=True)]
    votes_utf8 = sum(fine and not line.isascii() for fine, line in zip(utf8, lines, strict=True))
    if sum(one is not None for one in chinese) <= votes_utf8:
        return Decoded("\n".join(line.decode("utf-8", "surrogateescape") for line in lines), "utf-8")
    texts = [
        found if found is not None else line.decode("ascii", "surrogateescape")
        for found, line in zip(chinese, lines, strict=True)
    ]
    return Decoded("\n".join(texts), "gb18030")


def _is_utf8(line: bytes) -> bool:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # Two GB 18030 characters can look like two of Latin, Greek or Cyrillic; not like Chinese ones.
    return text.isascii() or any(sign >= "\u0800" for sign in text)


def _gb18030(line: bytes) -> str | None:
    try:
        text = line.decode("gb18030")
    except UnicodeDecodeError:
        return None
    signs = [sign for sign in text if not sign.isascii()]
    common = len("".join(signs).encode("gb2312", "ignore")) // 2
    return text if common >= _COMMON * len(signs) else None
