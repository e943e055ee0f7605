import pytest

from zhanggui.conversation.understand.amounts import amounts, of_chinese


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("十", 10), ("十二", 12), ("二十五", 25), ("一百", 100), ("一百五", 150), ("一百零五", 105), ("一百五十", 150), ("两千", 2000), ("两千三", 2300), ("三千零二十", 3020),
        ("一万二", 12000), ("一万两千五", 12500), ("十万", 100000), ("万", None), ("百", None), ("一一", None),
    ],
)  # fmt: skip
def test_chinese_numerals_are_read_as_they_are_said(text: str, number: int | None) -> None:
    assert of_chinese(text) == number


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,250.50 or 30", ["1250.50", "30"]),
        ("twenty-five", ["25"]),
        ("a hundred and twenty", ["120"]),
        ("two thousand", ["2000"]),
        ("2k", ["2000"]),
        ("2千", ["2000"]),
        ("300到五百", ["300", "500"]),
        ("no number", []),
    ],
)
def test_numbers_of_a_text_are_found_in_their_order(text: str, numbers: list[str]) -> None:
    assert [amount.text for amount in amounts(text)] == numbers
