"""Finds products for a query: as the shopper calls them, or as things of the same kind are called elsewhere. Knows no state."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files

from zhanggui.catalog.search import Query, Results

_MOST = 6
"""So many other words are tried."""
_NEAR = 0.4
"""Of the best score; what has less is named by a part of the words alone: a cushion cover where a duvet cover is looked for."""


def find(query: Query, search: Callable[[Query], Results]) -> Results:
    """What a search finds; where a constraint had to be given up, what is called otherwise and keeps them all comes first."""
    results = search(query)
    if not query.text or (results.product_ids and not results.relaxed):
        return near(results) if query.text and query.sort == "relevance" else results
    scores: dict[str, float] = {}
    facets, fallback = results.facets, None if _keeps_words(results) else results
    for text in _other_words(query.text):
        others = search(replace(query, text=text))
        if others.product_ids and not others.relaxed:
            facets = facets if scores else others.facets
            for product_id, score in zip(others.product_ids, others.scores, strict=True):
                scores.setdefault(product_id, score)
        elif fallback is results and _keeps_words(others):
            fallback = others
    if not scores:
        best = fallback or results
        return near(best) if _keeps_words(best) and query.sort == "relevance" else best
    ids = tuple(scores)[: query.limit]
    return Results(
        product_ids=ids,
        scores=tuple(scores[product_id] for product_id in ids),
        total=len(scores),
        facets=facets,
        relaxed=(),
        corrected="",
    )


def near(results: Results) -> Results:
    """Without what fits the words much less than the best does."""
    least = _NEAR * max(results.scores, default=0.0)
    kept = [(name, score) for name, score in zip(results.product_ids, results.scores, strict=True) if score >= least]
    if len(kept) == len(results.product_ids):
        return results
    ids, scores = zip(*kept, strict=True)
    return replace(results, product_ids=ids, scores=scores, total=len(ids))


def _keeps_words(results: Results) -> bool:
    """Whether products were found that are called as asked, whatever else was given up."""
    return bool(results.product_ids) and all(relaxation.constraint != "words" for relaxation in results.relaxed)


def _other_words(text: str) -> Iterator[str]:
    """The text with a word replaced by others for the same kind of thing, the longest word first."""
    lowered = text.casefold()
    words = [word for word in _groups() if _stands_in(word, lowered)]
    tried = {lowered}
    for word in sorted(words, key=len, reverse=True):
        for other in _groups()[word]:
            replaced = lowered.replace(word, other, 1)
            if replaced not in tried:
                tried.add(replaced)
                yield replaced
            if len(tried) > _MOST:
                return


def _stands_in(word: str, text: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}\b", text)) if word.isascii() else word in text


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """Word -> the other words for its kind of thing."""
    text = (files("zhanggui.conversation") / "data" / "same_things.toml").read_text(encoding="utf-8")
    others: dict[str, tuple[str, ...]] = {}
    for group in tomllib.loads(text)["groups"]:
        folded = [word.casefold() for word in group]
        for word in folded:
            others[word] = (*others.get(word, ()), *(other for other in folded if other != word))
    return others
