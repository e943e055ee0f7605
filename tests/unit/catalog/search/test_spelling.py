import pytest

from zhanggui.catalog.search.spelling import Spelling

SPELLING = Spelling(
    {"kettle": 9, "kettles": 1, "lavender": 4, "蓝牙": 7, "保温杯": 6, "保温壶": 9, "筷子": 8, "薰衣草": 3}
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("kettel", "kettle"),
        ("ketle", "kettle"),
        ("kettlee", "kettle"),
        ("lavander", "lavender"),
        ("蓝芽", "蓝牙"),
        ("保温悲", "保温杯"),
    ],
)
def test_a_word_one_edit_away_is_what_was_meant_in_chinese_one_that_sounds_alike(written: str, meant: str) -> None:
    assert SPELLING.mended(written) == meant


@pytest.mark.parametrize("written", ["kxttxe", "ket", "竹子", "x" * 10_000, ""])
def test_what_is_further_away_is_left_alone(written: str) -> None:
    assert SPELLING.mended(written) is None


def test_pinyin_is_cut_into_the_syllables_of_known_words() -> None:
    assert SPELLING.spoken("xunyicao") == ("xun", "yi", "cao")
    assert SPELLING.spoken("kettle") is None
