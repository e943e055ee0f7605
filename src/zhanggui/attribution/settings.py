"""The knobs of attribution. Joins nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AttributionSettings:
    """How responses are counted."""

    confidence: float = 0.95
    """Of every interval in a report."""
