"""One text of a corpus, and what an annotator said of it. Does nothing."""

from dataclasses import dataclass
from typing import Literal

Part = str
"""train, validation or test."""
Kind = Literal["keyword", "topic", "sentiment", "emotion", "selling_point", "attribute", "label"]
Source = Literal["rule", "classifier", "language_model"]


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One thing said of a text, by whom, and how sure."""

    kind: Kind
    value: str
    """A keyword, a topic, "positive", "joy", a phrase that praises, an attribute's value, a class of the corpus."""
    source: Source
    by: str
    """Name and version of the rule, classifier or model."""
    confidence: float
    """In [0, 1]. What it measures differs by `by`; the data card says how far to trust it where labels allow."""
    aspect: str = ""
    """What a selling point praises, or the name of an attribute."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text and where it came from."""

    document_id: str
    """Unique in its corpus."""
    text: str
    group: str
    """What it is about (a product): a group never crosses a split."""
    label: str = ""
    """A class that came with it, such as a sentiment."""
    topic: str = ""
    """A topic that came with it, such as a category."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Name and value of facts that came with it."""
    source: str = ""
    """File and line."""
    language: str = ""
    """"zh", "en", "mixed" or "other"; set by cleaning."""
    annotations: tuple[Annotation, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    """Name and value of columns that stay beside the text, such as the prompt that it answers."""
