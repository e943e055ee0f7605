"""A policy page in Markdown as sections: one a heading. Reads files and text; searches nothing.

The language is that of the front matter (`language: zh`), or of the name (`shipping.zh.md`), or else the shop's.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from zhanggui.catalog.product import LANGUAGES, Language
from zhanggui.errors import PageError
from zhanggui.service.policy_page import PolicySection

_LARGEST = 256 * 1024
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")


def read_page(path: Path, *, language: Language) -> tuple[PolicySection, ...]:
    """The sections of a page, in order; `language` is the shop's. Raises PageError with the line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PageError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    if len(data) > _LARGEST:
        raise PageError(f"it has more than {_LARGEST:,} bytes", source=str(path), hint="split it into pages")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PageError("it is not UTF-8", source=str(path), line=line, hint="save the file as UTF-8") from error
    name, _, ending = path.stem.rpartition(".")
    page, named = (name, ending) if name and ending in LANGUAGES else (path.stem, str(language))
    front = _FRONT.match(text)
    spoken = _front_matter(front[1], path).get("language", named) if front else named
    if spoken not in LANGUAGES:
        raise PageError(f"{spoken!r} is no language", field="language", source=str(path), hint="en or zh")
    sections = _sections(text[front.end() :] if front else text)
    anchors = set[str]()
    return tuple(
        PolicySection(
            page=page,
            heading=heading,
            anchor=_anchor(heading, anchors),
            text=body,
            language="zh" if spoken == "zh" else "en",
            digest=hashlib.sha256(data).hexdigest(),
        )
        for heading, body in sections
    )


def _front_matter(text: str, path: Path) -> dict[str, str]:
    """The lines NAME: VALUE between two lines of dashes."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 2):
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise PageError("it is no NAME: VALUE", source=str(path), line=number, hint="such as language: zh")
        values[name.strip().lower()] = value.strip().strip("\"'")
    return values


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each section that says something; what stands before the first heading has none."""
    heading, body, fenced = "", list[str](), False
    for line in text.split("\n"):
        fenced ^= bool(_FENCE.match(line))
        begins = None if fenced else _HEADING.fullmatch(line.rstrip())
        if begins is None:
            body.append(line)
            continue
        if said := "\n".join(body).strip():
            yield heading, said
        heading, body = begins[2].rstrip("# \t") or begins[2], []
    if said := "\n".join(body).strip():
        yield heading, said


def _anchor(heading: str, taken: set[str]) -> str:
    """The heading as a link knows it (as GitHub writes it); a second one of the same name gets a number."""
    signs = (sign for sign in heading.strip().lower() if sign.isalnum() or sign in " -_")
    plain = "".join(signs).replace(" ", "-") or "top"
    anchor, number = plain, 0
    while anchor in taken:
        number += 1
        anchor = f"{plain}-{number}"
    taken.add(anchor)
    return anchor
