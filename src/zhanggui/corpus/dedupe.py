"""Finds texts that are the same or nearly: MinHash over shingles (Broder 1997), locality-sensitive hashing (datasketch)."""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zhanggui.corpus.counted import Advance, counted
from zhanggui.corpus.document import Part
from zhanggui.errors import CorpusError


def same(texts: Sequence[str]) -> list[int]:
    """For each text, the place of the first one that has the same letters and digits (its own when there is none)."""
    first: dict[bytes, int] = {}
    return [
        first.setdefault(hashlib.sha256(re.sub(r"\W+", "", text.lower()).encode()).digest(), place)
        for place, text in enumerate(texts)
    ]


def clusters(
    texts: Sequence[str], *, threshold: float = 0.8, permutations: int = 64, progress: Advance = lambda _n: None
) -> list[int]:
    """For each text, the place of the first one that it equals or resembles (itself when there is none).

    `threshold`: Jaccard similarity of shingles (three Chinese characters, three words) from which two resemble each
    other. Raises CorpusError without the extra `train`.
    """
    sketch, index = _sketches(permutations, seed=1), _index(threshold, permutations, None)
    found = same(texts)
    shingled: dict[int, frozenset[bytes]] = {}
    for place, text in enumerate(counted(texts, progress)):
        if found[place] != place:
            found[place] = found[found[place]]
            continue
        mine = shingles(text)
        mark = sketch(mine)
        # What the sketch proposes is checked: an estimate alone would merge strangers.
        near = [one for one in sorted(index.query(mark)) if _jaccard(mine, shingled[one]) >= threshold]
        if near:
            found[place] = found[near[0]]
        index.insert(place, mark, check_duplication=False)
        shingled[place] = mine
    return found


def crossing(
    texts: Sequence[str], parts: Sequence[Part], *, threshold: float = 0.8, progress: Advance = lambda _n: None
) -> list[tuple[int, int]]:
    """Pairs of texts that resemble each other and stand in two parts, the training text first.

    Looks anew and harder than `clusters`: other permutations, twice as many, and an index that would rather check too
    many pairs than miss one. Each pair is checked on its shingles. Raises CorpusError without the extra `train`.
    """
    sketch, index = _sketches(128, seed=2), _index(threshold, 128, (0.05, 0.95))
    shingled: dict[int, frozenset[bytes]] = {}
    found = []
    # The small parts into the index, then training texts past them.
    for place in counted(sorted(range(len(texts)), key=lambda one: (parts[one] == "train", one)), progress):
        mine = shingles(texts[place])
        mark = sketch(mine)
        near = [one for one in sorted(index.query(mark)) if parts[one] != parts[place]]
        found += [(place, one) for one in near if _jaccard(mine, shingled[one]) >= threshold]
        if parts[place] != "train":
            index.insert(place, mark, check_duplication=False)
            shingled[place] = mine
    return found


def shingles(text: str) -> frozenset[bytes]:
    """Runs of three units of a text: words, or Chinese characters."""
    units = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text.lower())
    size = 3
    runs = [units[place : place + size] for place in range(max(1, len(units) - size + 1))]
    return frozenset("\x1f".join(run).encode() for run in runs)


def _sketches(permutations: int, *, seed: int) -> Callable[[Iterable[bytes]], Any]:
    try:
        from datasketch import MinHash
    except ModuleNotFoundError as error:
        raise CorpusError("near duplicates need datasketch; run: pip install 'zhanggui[train]'") from error
    empty = MinHash(num_perm=permutations, seed=seed, hashfunc=zlib.crc32)

    def sketch(runs: Iterable[bytes]) -> Any:
        mark = empty.copy()  # shares the permutations, which take longer to draw than a review to sketch
        mark.update_batch(list(runs))
        return mark

    return sketch


def _index(threshold: float, permutations: int, weights: tuple[float, float] | None) -> Any:
    from datasketch import MinHashLSH

    # Above 0.9 the index would keep too few bands; what it proposes is checked against the real threshold anyway.
    return MinHashLSH(threshold=min(threshold, 0.9), num_perm=permutations, weights=weights or (0.5, 0.5))


def _jaccard(one: frozenset[bytes], two: frozenset[bytes]) -> float:
    return len(one & two) / max(1, len(one | two))
