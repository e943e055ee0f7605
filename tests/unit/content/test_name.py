import pytest

from zhanggui.content.name import printed_name


@pytest.mark.parametrize(
    "name",
    [
        "Anna",
        "JOHN",
        "Zoë",
        "王小明",
        "Anna-Maria",
        "O'Neil",
        "Dr. Li",
        "J.R.",
        "阿依古丽·买买提",
        "مُحَمَّد",
        "अनिल",
        "Ann & Tom",
        "Nan",
    ],
)
def test_a_name_is_printed_whole(name: str) -> None:
    assert printed_name(f"  {name}\n") == name


@pytest.mark.parametrize(
    "placeholder",
    ["", " ", "null", "NULL", "None", "undefined", "N/A", "n.a.", "NaN", "-", "&", "Guest", "first name", "未知"],
)
def test_nobody_is_greeted_by_a_placeholder(placeholder: str) -> None:
    assert printed_name(placeholder) == ""


@pytest.mark.parametrize(
    "text",
    [
        "win.example.ru",
        "Gift at prize.ru",
        "b.ly/abc",
        "a.me",
        "\u202egro.prize\u202c",
        "prize。com",
        "ann@example.com",
        "hxxp://prize.example",
        "call 0571-8888 1234",
        "555123",
        "R2D2",
        '["Ann"]',
        '{"x": 1}',
        "{{ shop.name }}",
        "Ann: Bcc",
        "one €",
        "👩‍👩‍👧",
        "Ann_Li",
    ],
)
def test_nobody_is_greeted_by_what_is_no_name(text: str) -> None:
    assert printed_name(text) == ""


@pytest.mark.parametrize("value", [None, 7, ["Ann"], {"name": "Ann"}, True])
def test_nobody_is_greeted_by_what_is_no_text(value: object) -> None:
    assert printed_name(value) == ""


def test_no_name_is_cut_and_no_sentence_is_a_name() -> None:
    assert printed_name("A" * 40) == "A" * 40
    assert printed_name("A" * 41) == ""
    assert printed_name("Ana de la Cruz") == "Ana de la Cruz"
    assert printed_name("you have won a prize") == ""
