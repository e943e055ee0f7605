import pytest

from zhanggui.corpus.encoding import decode, is_broken, original

LINES = [
    "text,label",
    "很好喝的龙井茶，回购三次了,1",
    "杯子碎了一个，客服不理人,0",
    "good tea,1",
    "价格实惠，物流很快,1",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_in_one_encoding_is_read_whole(encoding: str, end: str) -> None:
    text = end.join(LINES) + end
    found = decode(text.encode(encoding))
    assert found.text == text
    assert found.encoding == {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)


def test_lines_of_another_encoding_are_marked_and_only_those() -> None:
    mixed = [line.encode("gb18030" if number == 2 else "utf-8") for number, line in enumerate(LINES)]
    found = decode(b"\n".join(mixed))
    assert found.encoding == "utf-8"
    assert [is_broken(line) for line in found.text.split("\n")] == [False, False, True, False, False]
    assert original(found.text.split("\n")[2]) == mixed[2]
    mixed = [line.encode("utf-8" if number == 2 else "gb18030") for number, line in enumerate(LINES)]
    found = decode(b"\n".join(mixed))
    assert found.encoding == "gb18030"
    assert [is_broken(line) for line in found.text.split("\n")] == [False, False, True, False, False]
    assert found.text.split("\n")[1] == LINES[1]
    assert original(found.text.split("\n")[2]) == mixed[2]


def test_half_a_pair_of_utf_16_breaks_its_line_alone() -> None:
    data = "一行好茶\n二行".encode("utf-16-le") + b"\x00\xd8" + "坏\n三行好茶\n".encode("utf-16-le")
    found = decode(b"\xff\xfe" + data)
    assert [is_broken(line) for line in found.text.split("\n")] == [False, True, False, False]


def test_western_bytes_are_not_taken_for_chinese() -> None:
    found = decode("Don’t buy\nfine tea\n".encode("cp1252"))
    assert [is_broken(line) for line in found.text.split("\n")] == [True, False, False]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n", b"\xff\xfe\n\x00"])
def test_nothing_is_said_to_be_nothing(data: bytes) -> None:
    assert decode(data) == ("", "empty")
