import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhanggui.profiles.address import contact_id, normalise


@pytest.mark.parametrize(
    ("channel", "address", "normal"),
    [
        ("email", "  Ann@X.Example ", "ann@x.example"),
        ("email", "Ann@x.example", "ann@x.example"),
        ("email", "ann+shop@x.example", "ann+shop@x.example"),
        ("email", "li@bücher.example", "li@xn--bcher-kva.example"),
        ("email", "li@xn--bcher-kva.example", "li@xn--bcher-kva.example"),
        ("email", "a@b@X.example", "a@b@x.example"),
        ("email", "jane@gmail..com", "jane@gmail..com"),
        ("email", "Nobody", "nobody"),
        ("sms", "+44 (0)20-7946.0018", "+442079460018"),
        ("sms", "0086 138 0013 8000", "+8613800138000"),
        ("sms", "+4420", "+4420"),
        ("webhook", " https://X.example/Hook ", "https://X.example/Hook"),
    ],
)
def test_one_mailbox_is_one_text(channel: str, address: str, normal: str) -> None:
    assert normalise(channel, address) == normal


@given(st.sampled_from(["email", "sms", "webhook"]), st.text(max_size=30))
def test_an_address_that_was_normalised_stays_as_it_is(channel: str, address: str) -> None:
    once = normalise(channel, address)
    assert normalise(channel, once) == once


def test_a_contact_is_called_by_a_mailbox_and_by_nothing_else() -> None:
    assert contact_id(" News@X.example") == "email:news@x.example"
    for nothing in (
        "",
        "news",
        "@x.example",
        "news@",
        "ne ws@x.example",
        "ne\x07ws@x.example",
        "n" * 250 + "@x.example",
    ):
        assert contact_id(nothing) is None
    longest = "n" * (250 - len("@x.example")) + "@x.example"
    assert contact_id(longest) == f"email:{longest}"
