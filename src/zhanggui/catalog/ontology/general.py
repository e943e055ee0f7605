"""What is generally known of shops: common categories, aspects and values, in Chinese and English (general.toml)."""

from functools import cache
from importlib.resources import files

from zhanggui.catalog.ontology.file import from_toml
from zhanggui.catalog.ontology.ontology import Aspect, Ontology, fold


@cache
def general_ontology() -> Ontology:
    """The general ontology, of no shop in particular."""
    return from_toml((files("zhanggui.catalog.ontology") / "general.toml").read_text(encoding="utf-8"))


def kin(name: str) -> Aspect | None:
    """The general aspect that one of the feed's own is a case of: "frame color" of colour, "镜框颜色" likewise."""
    general, text = general_ontology(), fold(name)
    words = text.split()
    ends = [" ".join(words[start:]) for start in range(len(words))]
    if len(words) == 1:
        ends += [text[start:] for start in range(1, len(text) - 1)]
    return next((aspect for end in ends if (aspect := general.aspect(end)) is not None), None)
