import pytest

from zhanggui.evaluation.diversity import distinct, repetition, units


def test_chinese_is_counted_by_character_and_english_by_word() -> None:
    assert units("Tea 好茶, don't!") == ["tea", "好", "茶", "don't"]


def test_distinct_is_the_share_of_different_grams_over_all_texts() -> None:
    assert distinct(["a b c", "a b d"], 2) == pytest.approx(3 / 4)
    assert distinct(["a"], 2) == 0.0


def test_repetition_is_what_a_text_has_said_before() -> None:
    assert repetition("a b c d a b c d", 4) == pytest.approx(1 / 5)
    assert repetition("好茶好茶好茶", 2) == pytest.approx(3 / 5)
    assert repetition("a b", 4) == 0.0
