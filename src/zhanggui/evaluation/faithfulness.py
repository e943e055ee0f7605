"""Texts with a claim that their source does not support, by `content.claims`. Judges words, not the world."""

from collections.abc import Sequence

from zhanggui.content import claims
from zhanggui.evaluation.source import Source


def unsupported_claims(texts: Sequence[str], sources: Sequence[Source]) -> list[tuple[str, ...]]:
    """The distinct phrases of each text that claim what no fact of its source says."""
    return [
        tuple(dict.fromkeys(claim.phrase for claim in claims.unsupported(text, source.brief)))
        for text, source in zip(texts, sources, strict=True)
    ]
