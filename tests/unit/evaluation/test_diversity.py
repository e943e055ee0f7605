import random

import numpy as np
import pytest

from zhanggui.evaluation.diversity import distinct, distinct_by_text, repetition, repetition_by_text, units
from zhanggui.evaluation.ngrams import count


def test_chinese_is_counted_by_character_and_english_by_word() -> None:
    assert units("Tea 好茶, don't!") == ["tea", "好", "茶", "don't"]


def test_distinct_is_the_share_of_different_grams_over_all_texts() -> None:
    assert distinct(["a b c", "a b d"], 2) == pytest.approx(3 / 4)
    assert distinct(["a"], 2) == 0.0


def test_repetition_is_what_a_text_has_said_before() -> None:
    assert repetition("a b c d a b c d", 4) == pytest.approx(1 / 5)
    assert repetition("好茶好茶好茶", 2) == pytest.approx(3 / 5)
    assert repetition("a b", 4) == 0.0


def said(seed: int = 2, texts: int = 40) -> list[str]:
    rng = random.Random(seed)
    return ["", "好茶", *("".join(rng.choices("好茶杯子的，", k=rng.randrange(1, 30))) for _ in range(texts))]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_counted_texts_vary_as_plain_texts_do(n: int) -> None:
    texts = said()
    (counted,) = count([units(text) for text in texts])
    assert distinct_by_text(counted, n).mean() == pytest.approx(distinct(texts, n))
    assert repetition_by_text(counted, n) == pytest.approx([repetition(text, n) for text in texts])


def test_values_of_texts_spread_as_distinct_changes_without_each() -> None:
    texts = said()
    (counted,) = count([units(text) for text in texts])
    without = np.array([distinct(texts[:row] + texts[row + 1 :], 2) for row in range(len(texts))])
    jackknife = (len(texts) - 1) / len(texts) * ((without - without.mean()) ** 2).sum()
    values = distinct_by_text(counted, 2)
    assert values.var(ddof=1) / len(values) == pytest.approx(jackknife)
