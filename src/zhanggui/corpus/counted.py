"""Tells a progress bar now and then: a bar that is told of each text takes longer than the texts."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Advance = Callable[[int], None]
_EVERY = 500


def counted(items: Iterable[T], advance: Advance) -> Iterator[T]:
    """The items as they are; `advance` is told after each 500, and at the end, how many more there were."""
    count = 0
    for item in items:
        yield item
        count += 1
        if count == _EVERY:
            advance(count)
            count = 0
    if count:
        advance(count)
