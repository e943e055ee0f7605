"""One text of a corpus. Does nothing."""

from dataclasses import dataclass

Part = str
"""train, validation or test."""


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
    source: str = ""
    """File and line."""
    language: str = ""
    """"zh", "en", "mixed" or "other"; set by cleaning."""
