"""Opinion words by hand, one file a language in `lexicons/`: sentiment, emotion, aspects. Small; the data card says how small."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_LONGEST = 3


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Entries by their words joined: "" for Chinese, "_" for English."""

    version: str
    joint: str
    stop: frozenset[str]
    polarity: dict[str, int]
    """+1 or -1."""
    negation: frozenset[str]
    degree: dict[str, float]
    contrast: frozenset[str]
    emotion: dict[str, str]
    aspect: dict[str, str]
    beginnings: frozenset[str]
    """What an entry may begin with: most words are none, and need no further look."""

    def longest(self, words: tuple[str, ...], place: int, table: Mapping[str, object]) -> tuple[str, int]:
        """The longest entry of a table that begins at this word, and how many words it takes; ("", 0) for none."""
        if words[place] in self.beginnings:
            for size in range(min(_LONGEST, len(words) - place), 0, -1):
                entry = self.joint.join(words[place : place + size])
                if entry in table:
                    return entry, size
        return "", 0


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of "zh" or "en"."""
    data = tomllib.loads((files("zhanggui.corpus") / "lexicons" / f"{language}.toml").read_text(encoding="utf-8"))
    told = {name: frozenset(entries.split()) for name, entries in data["sentiment"].items()}
    polarity = dict.fromkeys(told["positive"], 1) | dict.fromkeys(told["negative"], -1)
    emotion, aspect = _by_entry(data["emotion"]), _by_entry(data["aspect"])
    entries = {*polarity, *emotion, *aspect}
    beginnings = {entry[:size] for entry in entries for size in range(1, len(entry) + 1)}
    return Lexicon(
        version=data["version"],
        joint="" if language == "zh" else "_",
        stop=frozenset(data["stop"].split()),
        polarity=polarity,
        negation=told["negation"],
        degree=dict.fromkeys(told["stronger"], 1.5) | dict.fromkeys(told["weaker"], 0.7),
        contrast=told["contrast"],
        emotion=emotion,
        aspect=aspect,
        beginnings=frozenset(beginnings),
    )


def _by_entry(table: dict[str, str]) -> dict[str, str]:
    """Entry -> name; an entry that stands under two names counts for the first."""
    found: dict[str, str] = {}
    for name, entries in table.items():
        for entry in entries.split():
            found.setdefault(entry, name)
    return found
