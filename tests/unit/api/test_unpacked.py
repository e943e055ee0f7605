import gzip
import os
import tracemalloc

import pytest

from zhanggui.api.body import unpacked

MOST, MEMBERS = 1000, 3


def test_what_was_packed_comes_out() -> None:
    text = os.urandom(MOST)
    assert unpacked(gzip.compress(text), most=MOST, members=MEMBERS) == text


def test_several_members_and_padding_are_one_file() -> None:
    packed = gzip.compress(b"a") + b"\0" * 7 + gzip.compress(b"") + gzip.compress(b"b") + b"\0"
    assert unpacked(packed, most=MOST, members=MEMBERS) == b"ab"


@pytest.mark.parametrize("split", [1, 2])
def test_a_byte_above_the_limit_is_too_much(split: int) -> None:
    part = gzip.compress(b"x" * (MOST // split))
    assert len(unpacked(part * split, most=MOST, members=MEMBERS)) == MOST
    with pytest.raises(OverflowError):
        unpacked(part * split + gzip.compress(b"x"), most=MOST, members=MEMBERS)


def test_a_bomb_is_not_unpacked_further_than_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(OverflowError):
            unpacked(bomb, most=MOST, members=MEMBERS)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_one_member_too_many_is_refused() -> None:
    assert unpacked(gzip.compress(b"") * MEMBERS, most=MOST, members=MEMBERS) == b""
    with pytest.raises(ValueError, match="more than 3 members"):
        unpacked(gzip.compress(b"") * (MEMBERS + 1), most=MOST, members=MEMBERS)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "cut off"),
        (b"no gzip", "header"),
        (gzip.compress(b"text")[:-1], "cut off"),
        (gzip.compress(b"a")[:5], "cut off"),
        (gzip.compress(b"text") + b"rest", "header"),
    ],
    ids=["nothing", "text", "without its end", "a head only", "with a rest"],
)
def test_what_is_no_whole_gzip_file_is_said_to_be_none(broken: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        unpacked(broken, most=MOST, members=MEMBERS)


def test_a_member_whose_checksum_is_wrong_is_refused() -> None:
    packed = bytearray(gzip.compress(b"text"))
    packed[-8] ^= 1
    with pytest.raises(ValueError, match="check"):
        unpacked(bytes(packed), most=MOST, members=MEMBERS)
