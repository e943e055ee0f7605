"""Text in header fields: what is decoded is what was written, on every Python."""

import random
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

import pytest

from zhanggui.delivery.encoded_words import encoded, one_line, phrase, unstructured

PIECES = [
    "春天的茶", "新品上市！", "8折", "50% off", "%s", "%E6", "“引号”", '"quoted"', "'", "🎉", "👩‍👩‍👧", "e\u0301", "long" * 30,
    "超长" * 40, "=?utf-8?q?x?=", "?==?", "=?", "?=", " ", "  ", "\u3000", "\u00a0", "Tee", "für", "…", "_", "\u200b", "$5,", "<b>",
]  # fmt: skip


def field(text: str, name: str = "Subject") -> bytes:
    return f"{name}: {text}\r\nTo: a@example.com\r\n\r\nbody\r\n".encode()


def test_five_thousand_mixed_subjects_decode_to_what_was_written() -> None:
    chance = random.Random(16)
    for _ in range(5_000):
        subject = "".join(chance.choice(PIECES) + chance.choice(["", " "]) for _ in range(chance.randrange(12)))
        text = unstructured(subject)
        assert text.isascii()
        assert "?==?" not in text.replace("\r\n", "")
        assert all(len(line) <= 78 for line in text.split("\r\n")) or text == subject
        old, new = message_from_bytes(field(text)), message_from_bytes(field(text), policy=default)
        assert str(make_header(decode_header(old["Subject"]))) == subject
        assert str(new["Subject"]) == subject
        assert old["To"] == new["To"] == "a@example.com"


@pytest.mark.parametrize("subject", ["", "New tea", "50% off: $5, today", 'a "b" <c>', "x" * 899])
def test_plain_ascii_stays_as_it_is(subject: str) -> None:
    assert unstructured(subject) == subject


@pytest.mark.parametrize("subject", ["茶", " a", "a ", "=?", "x" * 900])
def test_what_ascii_cannot_say_unchanged_is_encoded(subject: str) -> None:
    assert unstructured(subject).startswith("=?utf-8?b?")


def test_encoded_words_are_as_long_as_they_may_be_and_no_longer() -> None:
    assert encoded("茶") == "=?utf-8?b?6Iy2?="
    assert encoded("茶" * 15) == "=?utf-8?b?" + "6Iy2" * 15 + "?="
    assert encoded("茶" * 16) == "=?utf-8?b?" + "6Iy2" * 15 + "?=\r\n =?utf-8?b?6Iy2?="
    lines = encoded("a茶🎉" * 40).split("\r\n ")
    assert all(len(line) <= 75 for line in lines)


@pytest.mark.parametrize(
    "sign", ["\r\n", "\n", "\r", "\x00", "\x1f", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\r\n\r\n\t"]
)
def test_nothing_in_a_text_begins_another_line(sign: str) -> None:
    assert one_line(f"a{sign}Bcc: b") == "a Bcc: b"
    assert unstructured(f"a{sign}Bcc: b") == "a Bcc: b"
    assert phrase(f"a{sign}Bcc b") == "a Bcc b"


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(UnicodeEncodeError):
        unstructured("a \ud83c b")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Tea House", "Tea House"),
        ("O'Brien & Co", "O'Brien & Co"),
        ("Tea, Ltd.", '"Tea, Ltd."'),
        ('The "Pot"\\', '"The \\"Pot\\"\\\\"'),
        ("掌柜", "=?utf-8?b?5o6M5p+c?="),
        ("=?x", "=?utf-8?b?PT94?="),
    ],
)
def test_a_display_name_is_atoms_a_quoted_string_or_encoded_words(name: str, text: str) -> None:
    assert phrase(name) == text
    parsed = message_from_bytes(field(f"{phrase(name)} <news@shop.example>", "From"), policy=default)["From"]
    assert [(each.display_name, each.addr_spec) for each in parsed.addresses] == [(name, "news@shop.example")]


@pytest.mark.parametrize(
    ("name", "text"), [(" A  \tB ", "A B"), ("茶 \u3000 馆", encoded("茶 馆")), ("", ""), (" \n", "")]
)
def test_a_display_name_has_no_space_to_spare(name: str, text: str) -> None:
    assert phrase(name) == text
