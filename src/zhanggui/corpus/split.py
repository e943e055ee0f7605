"""Divides documents 8:1:1 so that no group and no near duplicate crosses; same seed, same split."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence

from zhanggui.corpus.document import Document, Part

SHARES: Mapping[Part, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}


def group_key(name: str) -> str:
    """What names of one group have in common, however they are written: "SKU 1", "sku１" and "Sku1" are one product."""
    return "".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def split(documents: Sequence[Document], alike: Sequence[int], *, seed: int) -> list[Part]:
    """The part of each document. `alike` gives for each the place of the first one that it resembles."""
    # Groups and resemblance together make connected components; a component goes one way.
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for place, (document, first) in enumerate(zip(documents, alike, strict=True)):
        for other in (f"text:{place}", f"text:{first}"):
            one, two = root(f"group:{document.group}"), root(other)
            parent[max(one, two)] = min(one, two)
    sizes: dict[str, int] = {}
    for document in documents:
        owner = root(f"group:{document.group}")
        sizes[owner] = sizes.get(owner, 0) + 1
    wanted = {part: share * len(documents) for part, share in SHARES.items()}
    have = dict.fromkeys(SHARES, 0)
    chosen: dict[str, Part] = {}
    # In an order that only names and the seed decide; each to the part that lacks most for its size.
    for owner in sorted(sizes, key=lambda name: (-sizes[name] // 50, _hash(seed, name))):
        part = max(SHARES, key=lambda one: (wanted[one] - have[one]) / SHARES[one])
        chosen[owner] = part
        have[part] += sizes[owner]
    return [chosen[root(f"group:{document.group}")] for document in documents]


def _hash(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
