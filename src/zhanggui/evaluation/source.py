"""What a text was written from: attributes, a brief or free words. Parses; measures nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zhanggui.content.brief import Brief
from zhanggui.corpus import clean
from zhanggui.errors import EvaluationError

FIELDS = ("content", "about", "attributes", "source")
"""Of a row, each enough to say what its text was written from."""
_LONGEST_ATTRIBUTE = 40


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a text comes from. The brief's facts are what it may rely on."""

    brief: Brief
    attributes: tuple[tuple[str, str], ...] = ()
    """Name and value; a name may be there several times."""

    @property
    def text(self) -> str:
        """In words, to compare meanings with and to show."""
        stop, colon = ("；", "：") if self.brief.language == "zh" else ("; ", ": ")
        named = [f"{name}{colon}{value}" for name, value in self.attributes]
        others = [value for name, value in self.brief.evidence.items() if name not in dict(self.attributes)]
        return stop.join(dict.fromkeys([*others, *named]))


def from_row(row: Mapping[str, Any], *, language: str = "") -> Source | None:
    """The source of a row, None when it names none.

    `content` is a condition as in AdvertiseGen (`类型#裤*版型#宽松`); `about`, with or without `facts` and `offer`, a brief;
    `attributes` maps names to a value or several; `source` is free text. Raises EvaluationError naming the field.
    """
    if "content" in row:
        return _from_condition(_text(row, "content"), language)
    if "about" in row:
        facts = _pairs(row, "facts")
        return _source(_text(row, "about"), facts, language, offer=_text(row, "offer") if "offer" in row else "")
    if "attributes" in row:
        return _source(_text(row, "title") if "title" in row else "", _pairs(row, "attributes"), language)
    if "source" in row:
        text = _text(row, "source")
        return Source(brief=_brief(language or language_of(text), "", (("source", text),)))
    return None


def language_of(text: str) -> str:
    """ "zh" for Chinese, and for Chinese with other words in it, else "en"."""
    return "zh" if clean.language(text) in ("zh", "mixed") else "en"


def vocabulary(sources: Iterable[Source]) -> frozenset[str]:
    """Every attribute value of the sources that is short enough to be said as it stands."""
    return frozenset(value for one in sources for _, value in one.attributes if len(value) <= _LONGEST_ATTRIBUTE)


def _from_condition(content: str, language: str) -> Source:
    pairs = []
    for part in content.split("*"):
        name, sign, value = part.partition("#")
        if not (sign and name.strip() and value.strip()):
            raise EvaluationError(f"{part!r} is no name#value", field="content", hint="as in 类型#裤*版型#宽松")
        pairs.append((name.strip(), value.strip()))
    return _source("", pairs, language or "zh")


def _source(about: str, pairs: list[tuple[str, str]], language: str, *, offer: str = "") -> Source:
    language = language or language_of(about + " ".join(value for _, value in pairs))
    # A brief has one value a name.
    facts: dict[str, list[str]] = {}
    for name, value in pairs:
        facts.setdefault(name, []).append(value)
    mark = "、" if language == "zh" else ", "
    joined = tuple((name, mark.join(values)) for name, values in facts.items())
    attributes = tuple(pair for pair in pairs if pair[0] != "description")
    return Source(brief=_brief(language, about, joined, offer), attributes=attributes)


def _brief(language: str, about: str, facts: tuple[tuple[str, str], ...], offer: str = "") -> Brief:
    return Brief(
        language="zh" if language == "zh" else "en", channel="", tone="", about=about, product=facts, offer_title=offer
    )


def _text(row: Mapping[str, Any], field: str) -> str:
    if not isinstance(row[field], str):
        raise EvaluationError("it is not a text", field=field)
    return str(row[field])


def _pairs(row: Mapping[str, Any], field: str) -> list[tuple[str, str]]:
    given = row.get(field, {})
    if not isinstance(given, Mapping):
        raise EvaluationError("it does not map names to values", field=field, hint='as in {"colour": "navy"}')
    found = []
    for name, values in given.items():
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str | int | float) or isinstance(value, bool):
                raise EvaluationError("it is no text or number", field=f"{field}.{name}")
            if str(value).strip():
                found.append((str(name), str(value).strip()))
    return found
