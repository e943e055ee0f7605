"""Products as vectors beside the index: which are nearest to a query, whatever words they use. Knows no filter.

A second stage: fused only where words match weakly, since the likeness of a whole text is worse than a word that fits.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from zhanggui.catalog.product import Product
from zhanggui.catalog.search.settings import SearchSettings
from zhanggui.llm.encoder import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VECTORS, _IDS = "vectors.npy", "vector_ids.json"
_BATCH = 256
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Embedder:
    """Makes vectors of length one, of queries and of products: of the same size, so that a dot product is a likeness."""

    name: str
    """Another name, another index."""
    queries: Callable[[Sequence[str]], "NDArray[np.float32]"]
    products: Callable[[Sequence[str]], "NDArray[np.float32]"]


def encoder_embedder(settings: SearchSettings, folder: Path) -> Embedder | None:
    """The embedder that the settings name, loaded when first used (ModelError); None where they name none."""
    if not settings.encoder:
        return None

    @cache
    def encoder() -> Encoder:
        return Encoder(folder / settings.encoder, threads=1)

    return Embedder(
        name=f"{settings.encoder} {settings.query_prefix!r} {settings.product_prefix!r}",
        queries=lambda texts: encoder().embed([settings.query_prefix + text[:_LONGEST] for text in texts]),
        products=lambda texts: encoder().embed([settings.product_prefix + text for text in texts]),
    )


def write_vectors(
    folder: Path, products: Iterable[Product], embedder: Embedder, *, base: Path | None = None, gone: Iterable[str] = ()
) -> None:
    """Keep the vectors of these products, with those of `base` whose products are not `gone`."""
    import numpy as np

    rows, ids = list["NDArray[np.float32]"](), list[str]()
    if base is not None:
        before, out = read_vectors(base), set(gone)
        stay = [row for row, product_id in enumerate(before.ids) if product_id not in out]
        rows.append(before.matrix[stay])
        ids += [before.ids[row] for row in stay]
    remaining = iter(products)
    while batch := list(islice(remaining, _BATCH)):
        rows.append(np.asarray(embedder.products([_text(product) for product in batch]), dtype=np.float32))
        ids += [product.product_id for product in batch]
    size = embedder.queries([""]).shape[1]
    matrix = np.concatenate(rows) if rows else np.empty((0, size), dtype=np.float32)
    np.save(folder / _VECTORS, matrix)
    (folder / _IDS).write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors of an index, a row a product."""

    ids: tuple[str, ...]
    matrix: "NDArray[np.float32]"

    def nearest(self, vector: "NDArray[np.float32]", count: int) -> list[str]:
        """The ids of the products that are most like it, the most alike first."""
        import numpy as np

        likeness = self.matrix @ vector
        count = min(count, len(likeness))
        top = np.argpartition(-likeness, count - 1)[:count] if count else np.empty(0, dtype=np.intp)
        return [self.ids[row] for row in top[np.argsort(-likeness[top], kind="stable")]]


def read_vectors(folder: Path) -> Vectors:
    """The vectors that `write_vectors` kept. Raises OSError or ValueError where they are broken."""
    import numpy as np

    ids = json.loads((folder / _IDS).read_text(encoding="utf-8"))
    return Vectors(ids=tuple(ids), matrix=np.load(folder / _VECTORS, mmap_mode="r"))


def has_vectors(folder: Path) -> bool:
    """Whether an index has any."""
    return (folder / _VECTORS).exists()


def fused(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Two rankings as one, by reciprocal ranks (Cormack et al. 2009, with their 60)."""
    scores: dict[str, float] = {}
    for ranking in (first, second):
        for rank, product_id in enumerate(ranking, 1):
            scores[product_id] = scores.get(product_id, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda product_id: -scores[product_id])


def _text(product: Product) -> str:
    return " ".join((*product.titles.values(), product.brand))[:_LONGEST]
