"""What things of a category are called, learned from the titles of its products: "跑鞋" and "running trainers" are running shoes.

A title names its thing at the end of a phrase: a phone case ends in "phone case", not in "phone". Knows no index.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from zhanggui.catalog.product import Product
from zhanggui.catalog.search.words import is_chinese, stem, words

_PHRASE_END = re.compile(
    r"[,，;；:：|/()（）\[\]【】、。!！]+|\s[-–—]\s|\b(?:for|with|in|from|of|that|and)\b|(?<=[\u4e00-\u9fff])\s+|\s+(?=[\u4e00-\u9fff])",
    re.IGNORECASE,
)
_LONGEST = 3
_SAMPLE = 200
"""So many products of a category are enough to learn what they are called."""
_PURE, _COMMON, _OFTEN = 0.8, 0.04, 3
Names = Mapping[tuple[str, ...], str]
"""The stems of a name -> the path of the category."""


def learn_names(products: Iterable[Product]) -> Names:
    """The names that products of one category end their phrases with, and hardly any others do."""
    sampled: Counter[str] = Counter()
    called: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for product in products:
        if product.category and sampled[product.category] < _SAMPLE:
            sampled[product.category] += 1
            for name in {name for title in product.titles.values() for name in ends(title)}:
                called[name][product.category] += 1
    names: dict[tuple[str, ...], str] = {}
    for name, counts in called.items():
        path, count = max(counts.items(), key=lambda one: (one[1], len(one[0]), one[0]))
        below = sum(other for wider, other in counts.items() if not is_within(path, wider) or wider == path)
        if count >= max(_OFTEN, _COMMON * sampled[path]) and count >= _PURE * below:
            names[name] = path
    return names


def ends(title: str) -> Iterator[tuple[str, ...]]:
    """The stems that each phrase of a title ends with: its last word, its last two, its last three, its last character."""
    for phrase in _PHRASE_END.split(title[:1_000]):
        stems = tuple(stem(word) for word in words(phrase)[-_LONGEST:])
        for length in range(1, len(stems) + 1):
            if not any(word[0].isdigit() for word in stems[-length:]):
                yield stems[-length:]
        if stems and is_chinese(stems[-1]) and len(stems[-1]) > 1:
            yield (stems[-1][-1],)


def named_in(title: str, names: Names) -> str:
    """The category that the longest name in a title stands for; "" where it holds none."""
    return next((names[name] for name in sorted(ends(title), key=len, reverse=True) if name in names), "")


def span(listed: Sequence[str], names: Names, taken: Sequence[tuple[int, int]] = ()) -> tuple[int, int, str] | None:
    """(start, end, path) of the name among a query's words: the longest, of equally long ones the last.

    A name that is, or is a part of, something else, a stretch in `taken`, is none.
    """
    stems = tuple(stem(word) for word in listed)
    for length in range(min(_LONGEST, len(stems)), 0, -1):
        for start in range(len(stems) - length, -1, -1):
            end = start + length
            is_taken = any(first <= start and end <= last for first, last in taken)
            if (path := names.get(stems[start:end])) and not is_taken:
                return start, end, path
    return None


def is_within(path: str, category: str) -> bool:
    """Whether a category is another or lies below it."""
    return path == category or path.startswith(f"{category} > ")
