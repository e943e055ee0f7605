"""By which names customers are greeted, and what is no name."""

import pytest

from zhanggui.content.greeting import greeted


@pytest.mark.parametrize(
    ("trait", "name"),
    [
        ("Maja", "Maja"),
        ("  li  na ", "li na"),
        ("Jean-Luc O’Neill", "Jean-Luc O’Neill"),
        ("J.R. Ewing", "J.R. Ewing"),
        ("Eva &amp; Max", "Eva & Max"),
        ("李雷", "李雷"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("فاطِمة", "فاطِمة"),
        ("ꯃꯅꯤ", "ꯃꯅꯤ"),
        ("a" * 60, "a" * 60),
        ("<b>Ida</b>", "Ida"),
        ("Nulla", "Nulla"),
    ],
)
def test_a_name_is_greeted_as_it_was_written(trait: str, name: str) -> None:
    assert greeted(trait) == name


@pytest.mark.parametrize(
    "trait",
    [
        None,
        7,
        ["Ida"],
        {"a": "Ida"},
        True,
        "",
        " ",
        "NULL",
        "undefined",
        "none",
        "n/a",
        "true",
        "[object Object]",
        '["Ida"]',
        '{"a":"Ida"}',
        "12",
        "Guest",
        "ida@x.example",
        "win at evil.ru",
        "look.at.me/x",
        "m.me",
        "www win",
        "hxxps://x",
        "evil。cn 看",
        "call +49 30 1234",
        "{{ shop.name }}",
        "Ida 🎁",
        "€€€",
        "-",
        "...",
        "a" * 61,
        "Ida\r\nBcc: x",
        "\u202emoc.live\u202c",
    ],
)
def test_what_is_no_name_greets_nobody(trait: object) -> None:
    assert greeted(trait) == ""
