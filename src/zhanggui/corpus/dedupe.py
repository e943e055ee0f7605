"""Finds texts that are the same or nearly: MinHash over shingles (Broder 1997), locality-sensitive hashing (datasketch)."""

import hashlib
import re
from collections.abc import Sequence

from zhanggui.errors import CorpusError

_SHINGLE = {"zh": 3, "en": 3}


def clusters(texts: Sequence[str], *, threshold: float = 0.8, permutations: int = 64) -> list[int]:
    """For each text, the place of the first one that it equals or resembles (itself when there is none).

    `threshold`: Jaccard similarity of shingles (three Chinese characters, three words) from which two resemble each
    other. Raises CorpusError without the extra `train`.
    """
    try:
        from datasketch import MinHashLSH
        from datasketch.minhash import MinHash
    except ModuleNotFoundError as error:
        raise CorpusError("near duplicates need datasketch; run: pip install 'zhanggui[train]'") from error
    first: dict[str, int] = {}
    found = list(range(len(texts)))
    index = MinHashLSH(threshold=threshold, num_perm=permutations)
    shingled: dict[int, frozenset[bytes]] = {}
    for place, text in enumerate(texts):
        key = hashlib.sha256(re.sub(r"\W+", "", text.lower()).encode()).hexdigest()
        if key in first:
            found[place] = found[first[key]]
            continue
        first[key] = place
        mine = shingles(text)
        sketch = MinHash(num_perm=permutations, seed=1)
        sketch.update_batch(list(mine))
        # What the sketch proposes is checked: an estimate alone would merge strangers.
        near = [one for one in sorted(index.query(sketch)) if _jaccard(mine, shingled[one]) >= threshold]
        if near:
            found[place] = found[near[0]]
        index.insert(place, sketch, check_duplication=False)
        shingled[place] = mine
    return found


def shingles(text: str) -> frozenset[bytes]:
    """Runs of three units of a text: words, or Chinese characters."""
    units = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text.lower())
    size = 3
    runs = [units[place : place + size] for place in range(max(1, len(units) - size + 1))]
    return frozenset("\x1f".join(run).encode() for run in runs)


def _jaccard(one: frozenset[bytes], two: frozenset[bytes]) -> float:
    return len(one & two) / max(1, len(one | two))
