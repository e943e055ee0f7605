"""Our counting against the libraries that the field uses, on the same texts."""

import random

import pytest

from zhanggui.evaluation.ngrams import count
from zhanggui.evaluation.overlap import (
    bleu_of_texts,
    bleu_statistics,
    corpus_bleu,
    rouge_l,
    rouge_n,
    rouge_n_of_texts,
    self_bleu,
    self_bleu_of_texts,
    sentence_bleu,
)

WORDS = ["宽松", "裤子", "的", "，", "。", "显瘦", "百搭", "tea", "cup", "for", "quiet", "evenings", "棉", "麻"]


def texts(seed: int, count: int = 120) -> tuple[list[list[str]], list[list[str]]]:
    rng = random.Random(seed)
    references = [rng.choices(WORDS, k=rng.randrange(1, 40)) for _ in range(count)]
    said = [
        [word for word in one if rng.random() < 0.8] + rng.choices(WORDS, k=rng.randrange(1, 6)) if rng.random() < 0.8 else rng.choices(WORDS, k=rng.randrange(1, 9))
        for one in references
    ]  # fmt: skip
    return references, said


def test_sentence_bleu_is_that_of_nltk() -> None:
    nltk = pytest.importorskip("nltk.translate.bleu_score")
    smooth = nltk.SmoothingFunction().method3
    for reference, text in zip(*texts(1), strict=True):
        theirs = nltk.sentence_bleu([reference], text, smoothing_function=smooth)
        assert sentence_bleu(reference, text) == pytest.approx(theirs, abs=1e-6)


def test_corpus_bleu_is_that_of_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    for seed in range(5):
        references, said = texts(seed)
        theirs = sacrebleu.corpus_bleu(
            [" ".join(one) for one in said], [[" ".join(one) for one in references]], tokenize="none"
        )
        assert corpus_bleu(references, said) == pytest.approx(theirs.score / 100, abs=1e-6)


def test_rouge_is_that_of_rouge_chinese() -> None:
    rouge = pytest.importorskip("rouge_chinese").Rouge()
    for reference, text in zip(*texts(3), strict=True):
        theirs = rouge.get_scores(" ".join(text), " ".join(reference))[0]
        assert rouge_n(reference, text, 1) == pytest.approx(theirs["rouge-1"]["f"], abs=1e-6)
        assert rouge_n(reference, text, 2) == pytest.approx(theirs["rouge-2"]["f"], abs=1e-6)
        assert rouge_l(reference, text) == pytest.approx(theirs["rouge-l"]["f"], abs=1e-6)


def test_self_bleu_is_that_of_nltk_with_all_other_texts_as_references() -> None:
    nltk = pytest.importorskip("nltk.translate.bleu_score")
    smooth = nltk.SmoothingFunction().method3
    for seed in range(4):
        _, said = texts(seed, 40)
        said[0], said[1] = ["tea"], said[2]  # a short one, and one said twice
        theirs = [
            nltk.sentence_bleu(said[:row] + said[row + 1 :], text, smoothing_function=smooth)
            for row, text in enumerate(said)
        ]
        (counted,) = count(said)
        assert self_bleu_of_texts(counted) == pytest.approx(theirs, abs=1e-6)


def test_many_texts_at_once_score_what_each_scores_alone() -> None:
    references, said = texts(6)
    references[3], said[5] = [], []
    wanted, found = count(references, said)
    alone = [sentence_bleu(*both) for both in zip(references, said, strict=True)]
    assert bleu_of_texts(bleu_statistics(wanted, found)) == pytest.approx(alone)
    assert rouge_n_of_texts(wanted, found, 2) == pytest.approx(
        [rouge_n(*both, 2) for both in zip(references, said, strict=True)]
    )


def test_self_bleu_is_one_when_a_model_says_one_thing_only() -> None:
    assert self_bleu([list("abcde")] * 3) == pytest.approx(1)
    assert self_bleu([list("abcde"), list("vwxyz")]) == 0.0
    assert self_bleu([list("abc")]) == 0.0


@pytest.mark.parametrize("reference", [[], ["a"]])
def test_nothing_said_scores_nothing(reference: list[str]) -> None:
    assert sentence_bleu(reference, []) == corpus_bleu([reference], [[]]) == rouge_l(reference, []) == 0.0
