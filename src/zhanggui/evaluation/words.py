"""Cuts texts into the tokens that metrics count: characters, and words (Chinese ones by jieba). Knows no metric."""

import logging
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.diversity import units


def characters(text: str) -> list[str]:
    """Every character, spaces too, as the published figures of AdvertiseGen count."""
    return list(text)


def words(texts: Sequence[str], language: str) -> list[list[str]]:
    """Words of each text: jieba's with punctuation for "zh", lower case without punctuation for "en".

    Raises EvaluationError when jieba is needed and missing.
    """
    if language != "zh":
        return [units(text) for text in texts]
    cut = _jieba()
    return [[word for word in cut(text) if not word.isspace()] for text in texts]


@cache
def _jieba() -> Callable[[str], list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own source, and of setuptools
        try:
            import jieba
        except ModuleNotFoundError as error:
            raise EvaluationError(
                "jieba, which parts Chinese words, is missing", hint="pip install 'zhanggui[zh]'"
            ) from error
    jieba.setLogLevel(logging.ERROR)
    cut: Any = jieba.lcut
    return cut  # type: ignore[no-any-return]
