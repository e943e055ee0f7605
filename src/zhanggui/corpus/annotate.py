"""Annotates a built corpus: keywords, topics, sentiment, emotion, selling points, attributes covered.

Knows which annotator reads which text, and in what order; how each judges stands in a file of its own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zhanggui.corpus import card, parts, samples
from zhanggui.corpus.attributes import attributes_covered
from zhanggui.corpus.build import Progress
from zhanggui.corpus.classifier import SENTIMENTS, classify, features
from zhanggui.corpus.counted import counted
from zhanggui.corpus.document import Annotation, Document, Kind, Part
from zhanggui.corpus.keywords import keywords, terms
from zhanggui.corpus.language_model import annotate_with_model
from zhanggui.corpus.selling_points import selling_points
from zhanggui.corpus.sentiment import emotion, sentiment
from zhanggui.corpus.topics import topics
from zhanggui.corpus.words import candidates, clauses, tongue
from zhanggui.llm.model import LanguageModel

KINDS: tuple[Kind, ...] = ("keyword", "topic", "sentiment", "emotion", "selling_point", "attribute", "label")


@dataclass(frozen=True, kw_only=True)
class Annotated:
    """The annotations of each document, in order, and what they add up to for the data card."""

    annotations: list[list[Annotation]]
    summary: dict[str, Any]


def annotate(
    documents: Sequence[Document],
    sides: Sequence[Part],
    *,
    topic_count: int = 12,
    seed: int = 7,
    model: LanguageModel | None = None,
    model_texts: int = 200,
    progress: Progress = lambda _step, _done, _total: None,
) -> Annotated:
    """Annotate documents that stand in these parts; what is learned is learned from the training part.

    `topic_count`: topics to find in each language, where the documents bring none. `model` reads `model_texts` texts,
    spread evenly. Raises CorpusError without the extra `train`, ModelError when the model does not answer.
    """
    found: list[list[Annotation]] = []
    words: list[list[str]] = []
    for document in counted(documents, lambda done: progress("rules", done, len(documents))):
        mine, theirs = _by_rule(document)
        found.append(mine)
        words.append(theirs)
    _over_terms(documents, sides, words, found, topic_count, seed, progress)
    measured = _learned(documents, sides, found, seed, progress)
    if model is not None:
        step = max(1, len(documents) // max(1, model_texts))
        places = range(0, len(documents), step)[:model_texts]
        answers = annotate_with_model(
            [documents[place] for place in places],
            model,
            seed=seed,
            progress=lambda done: progress("language model", done, len(places)),
        )
        for place, answer in zip(places, answers, strict=True):
            found[place] += answer
    return Annotated(annotations=found, summary=_summary(documents, sides, found, measured))


def annotate_folder(folder: Path, **options: Any) -> dict[str, Any]:
    """Annotate a corpus that `build` made, in place; options as of `annotate`. Writes samples.html and the card anew.

    Returns the card. Raises CorpusError when the folder holds no whole corpus.
    """
    by_part = parts.read(folder)
    documents = [one for mine in by_part.values() for one in mine]
    sides = [part for part, mine in by_part.items() for _ in mine]
    result = annotate(documents, sides, **options)
    documents = [replace(one, annotations=tuple(mine)) for one, mine in zip(documents, result.annotations, strict=True)]
    kept = list(zip(documents, sides, strict=True))
    data = card.read(folder) | {"annotations": result.summary}
    (folder / "samples.html").write_text(samples.page(kept), encoding="utf-8")
    parts.write(folder, {part: [one for one, mine in kept if mine == part] for part in parts.PARTS})
    card.write(folder, data, kept)
    return data


def _by_rule(document: Document) -> tuple[list[Annotation], list[str]]:
    """What rules say of one text, and its candidates for keywords."""
    mine = attributes_covered(document.text, document.attributes)
    language = tongue(document)
    if not language:
        return mine, []
    read = clauses(document.text, language)
    mine += [one for one in (sentiment(read, language), emotion(read, language)) if one is not None]
    return mine + selling_points(read, language), candidates(read, language)


def _over_terms(
    documents: Sequence[Document],
    sides: Sequence[Part],
    words: Sequence[list[str]],
    found: list[list[Annotation]],
    topic_count: int,
    seed: int,
    progress: Progress,
) -> None:
    """Keywords, and topics where the documents bring none, one language at a time."""
    told = any(one.topic for one in documents)
    for language in ("zh", "en"):
        places = [place for place, one in enumerate(documents) if tongue(one) == language]
        fitted = [sides[place] == "train" for place in places]
        weighed = terms([words[place] for place in places], fitted) if any(fitted) else None
        if weighed is None:
            continue
        for place, mine in zip(places, keywords(weighed, language), strict=True):
            found[place] += mine
        progress("keywords", len(places), len(documents))
        if not told and topic_count:
            for place, one in zip(places, topics(weighed, fitted, count=topic_count, seed=seed), strict=True):
                found[place] += [one] if one is not None else []
            progress("topics", len(places), len(documents))


def _learned(
    documents: Sequence[Document], sides: Sequence[Part], found: list[list[Annotation]], seed: int, progress: Progress
) -> dict[str, Any]:
    """Classifiers of what the documents bring: their class, as a sentiment if it is one, and their topic."""
    labels = [one.label for one in documents]
    kind: Kind = "label"
    if {one.lower() for one in labels if one} <= SENTIMENTS.keys():
        kind, labels = "sentiment", [SENTIMENTS.get(one.lower(), "") for one in labels]
    tasks: dict[Kind, list[str]] = {kind: labels, "topic": [one.topic for one in documents]}
    tasks = {name: given for name, given in tasks.items() if any(given)}
    measured: dict[str, Any] = {}
    if tasks:
        chinese = sum(tongue(one) == "zh" for one in documents) * 2 > len(documents)
        matrix = features([one.text for one in documents], sides, chinese=chinese)
    for name, given in tasks.items():
        progress(f"classifier of {name}", 0, len(documents))
        result = classify(matrix, given, sides, kind=name, seed=seed)
        if result is None:
            continue
        measured[name] = {"classifier": result.measured}
        for mine, one in zip(found, result.annotations, strict=True):
            mine.append(one)
        progress(f"classifier of {name}", len(documents), len(documents))
    if kind == "sentiment" and any(labels):
        measured.setdefault("sentiment", {})["rule"] = _rule_against(labels, sides, found)
    return measured


def _rule_against(labels: Sequence[str], sides: Sequence[Part], found: Sequence[list[Annotation]]) -> dict[str, Any]:
    """How the rule of sentiment does on the labelled validation texts: where it speaks, and where it says yes or no."""
    checked = [place for place, side in enumerate(sides) if side == "validation" and labels[place]]
    said = [
        (labels[place], one.value)
        for place in checked
        for one in found[place]
        if one.kind == "sentiment" and one.source == "rule" and (one.value != "neutral" or "neutral" in labels)
    ]
    return {
        "texts": len(checked),
        "decided": round(len(said) / max(1, len(checked)), 4),
        "accuracy_where_decided": round(sum(given == value for given, value in said) / max(1, len(said)), 4),
    }


def _summary(
    documents: Sequence[Document], sides: Sequence[Part], found: Sequence[list[Annotation]], measured: Mapping[str, Any]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for kind in KINDS:
        mine = [[one for one in all_of if one.kind == kind] for all_of in found]
        flat = [one for some in mine for one in some]
        if not flat:
            continue
        result[kind] = {
            "count": len(flat),
            "share_of_texts": round(sum(bool(some) for some in mine) / len(documents), 4),
            "confidence": round(sum(one.confidence for one in flat) / len(flat), 3),
            "sources": dict(Counter(f"{one.source}: {one.by}" for one in flat).most_common()),
            "most_common": dict(Counter(_name(one) for one in flat).most_common(12)),
        }
        if kind in measured:
            result[kind]["measured"] = measured[kind]
        if kind == "attribute":
            asked = sum(len(set(one.attributes)) for one in documents)
            result[kind]["share_of_attributes"] = round(len(flat) / max(1, asked), 4)
    return result


def _name(one: Annotation) -> str:
    return one.aspect if one.kind in ("selling_point", "attribute") else one.value
