"""One text of a corpus. Does nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Columns that stay beside the text as they came, such as the prompt that it answers."""

    def row(self) -> dict[str, Any]:
        """As a line of a part; what was kept stands beside the rest."""
        found = asdict(self)
        return dict(found.pop("kept")) | found
