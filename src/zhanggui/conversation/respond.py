"""Words for dialogue acts: Liquid sentences in Chinese and English, several for each act, chosen by a seed.

A sentence is a candidate only if every field that it names is known; of the candidates those that say most are drawn from.
Knows no catalogue: the facts come with the acts. A model may stand here in the place of the sentences.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from zhanggui.catalog.product import Language
from zhanggui.conversation.act import DialogueAct


class Words(Protocol):
    """Puts the acts of one turn into words."""

    def words(self, acts: Sequence[DialogueAct], language: Language, *, seed: str) -> str:
        """What the shopper reads. Says nothing that is no fact of an act."""
        ...


class Sentences:
    """Words from the shipped sentences. `extra` ones, by language and act, stand in the place of the shipped ones."""

    def __init__(self, extra: Mapping[Language, Mapping[str, Sequence[str]]] | None = None) -> None:
        self._extra = extra or {}

    def words(self, acts: Sequence[DialogueAct], language: Language, *, seed: str) -> str:
        """The sentences of the acts, one below the other; the same seed gives the same ones."""
        said = [self.sentence(act, language, seed=f"{seed}:{number}") for number, act in enumerate(acts)]
        return "\n".join(dict.fromkeys(text for text in said if text))

    def sentence(self, act: DialogueAct, language: Language, *, seed: str) -> str:
        """One act in words; "" for one that is silent, the fixed sentence of its language where no candidate is left."""
        if act.about == "silent":
            return ""
        facts = dict(act.facts)
        for many in ("products", "orders"):
            if many in facts:
                line = f"{many}_line" if act.about != "compare" else "compare_line"
                rows = [
                    self._say([line], {**row, "number": number}, language, seed)
                    for number, row in enumerate(facts[many], 1)
                ]
                facts["lines"] = "\n".join(row for row in rows if row)
                facts["first"] = facts[many][0] if facts[many] else None
        if "choices" in facts:
            facts["choices"] = ("、" if language == "zh" else ", ").join(facts["choices"])
        keys = [f"{act.name}.{act.about}"] if act.about else []
        return self._say([*keys, act.name], facts, language, seed) or self._say(["fixed"], {}, language, seed)

    def _say(self, keys: Sequence[str], facts: Mapping[str, Any], language: Language, seed: str) -> str:
        for key in keys:
            texts = self._extra.get(language, {}).get(key) or _shipped(language).get(key, ())
            known = {name for name, value in facts.items() if value not in (None, "", False, (), [], {})}
            fields = {text: _named(text) for text in texts}
            candidates = [text for text in texts if fields[text] <= known]
            if candidates:
                most = max(len(fields[text]) for text in candidates)
                drawn = [text for text in candidates if len(fields[text]) == most]
                return str(_template(drawn[_draw(f"{seed}:{key}", len(drawn))]).render(**facts)).strip()
        return ""


def _draw(seed: str, count: int) -> int:
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=4).digest()) % count


@cache
def _shipped(language: Language) -> Mapping[str, Sequence[str]]:
    """The shipped sentences of a language, by act and what it is about."""
    text = (files("zhanggui.conversation") / "sentences" / f"{language}.toml").read_text(encoding="utf-8")
    return {key: tuple(texts) for key, texts in tomllib.loads(text).items()}


@cache
def _named(text: str) -> frozenset[str]:
    """The fields that a sentence names."""
    return frozenset(_template(text).global_variables())


@cache
def _template(text: str) -> Any:
    from liquid import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text)
