"""The text that says most of what the others say: minimum Bayes risk (Kumar and Byrne 2004). Pure counting."""

from collections import Counter
from collections.abc import Sequence

from zhanggui.evaluation.diversity import grams


def consensus(texts: Sequence[str]) -> int:
    """Place of the text with the highest mean F1 of 1- and 2-grams against the others; the first of equals.

    What a model says in many of its samples, it says for a reason; a slip stands alone. Raises ValueError for no text.
    """
    counted = [Counter(gram for n in (1, 2) for gram in grams(text, n)) for text in texts]
    return max(range(len(texts)), key=lambda place: (_agreement(place, counted), -place))


def _agreement(place: int, counted: Sequence[Counter[tuple[str, ...]]]) -> float:
    mine = counted[place]
    return sum(
        2 * (mine & other).total() / max(1, mine.total() + other.total())
        for number, other in enumerate(counted)
        if number != place
    )
