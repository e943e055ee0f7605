import pytest

from zhanggui.catalog.search.words import parts, stem, syllables, words


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Running shoes, men's", ["running", "shoes", "men"]),
        ("轻薄纯棉衬衫", ["轻薄", "纯棉", "衬衫"]),
        ("500 ml / 500毫升 / 0.5L", ["500ml", "500ml", "0.5l"]),
        ("１５寸 Café", ["15inch", "cafe"]),
        ("nike跑鞋", ["nike", "跑鞋"]),
        ("\x00\u202e🎉 <b>", ["b"]),
        ("", []),
    ],
)
def test_words_of_both_languages_are_read_width_case_and_units_make_no_difference(text: str, read: list[str]) -> None:
    assert words(text) == read


def test_a_text_is_also_found_by_parts_of_its_words_and_by_neighbours_written_as_one() -> None:
    assert {"不锈", "tshirt"} <= {*parts(words("不锈钢")), *parts(words("t-shirt"))}


def test_english_loses_its_endings_and_chinese_has_its_sound() -> None:
    assert [stem(word) for word in ("shoes", "running", "绿茶", "500ml")] == ["shoe", "run", "绿茶", "500ml"]
    assert syllables("绿茶") == ("lv", "cha")
    assert syllables("tea") == ()
