import struct
from pathlib import Path

import pytest

from zhanggui.errors import ModelError
from zhanggui.llm.gguf import check, cut_short


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _file(path: Path) -> bytes:
    """A GGUF file of two tensors: 8 numbers of 16 bits, then 64 numbers in two blocks of Q8_0."""
    fields = [
        _text(b"general.alignment") + struct.pack("<II", 4, 64),
        _text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + _text("茶".encode()) + _text(b"b"),
        _text(b"scores") + struct.pack("<IIQ3f", 9, 6, 3, 0, 0, 0),
        _text(b"flag") + struct.pack("<I?", 7, True),
    ]
    tensors = [
        _text(b"one") + struct.pack("<IQIQ", 1, 8, 1, 0),
        _text(b"two") + struct.pack("<IQQIQ", 2, 32, 2, 8, 64),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)) + b"".join(fields + tensors)
    head += bytes(-len(head) % 64)
    data = head + bytes(64 + 2 * 34)
    path.write_bytes(data)
    return data


def test_a_whole_file_is_not_cut_short_and_every_shorter_one_is(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    data = _file(path)
    check(path, "")
    assert cut_short(path) == ""
    path.write_bytes(data + b"more")
    assert cut_short(path) == ""
    for size in range(8, len(data)):
        path.write_bytes(data[:size])
        assert cut_short(path).startswith("it is cut short"), size
    assert cut_short(path) == f"it is cut short, at {len(data) - 1:,} of {len(data):,} bytes; fetch or export it anew"


def test_what_is_no_gguf_file_is_said_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no GGUF file; .*model export"):
        check(tmp_path, "hint")
    _file(tmp_path / "tea.gguf")
    with pytest.raises(ModelError, match=r"is a folder; name its file: .*tea\.gguf"):
        check(tmp_path, "hint")
    with pytest.raises(ModelError, match=r"cannot be opened: No such file.*; hint"):
        check(tmp_path / "none.gguf", "hint")
    (tmp_path / "empty.gguf").touch()
    with pytest.raises(ModelError, match="is empty; hint"):
        check(tmp_path / "empty.gguf", "hint")
    (tmp_path / "other.gguf").write_bytes(b"PK\3\4")
    with pytest.raises(ModelError, match="is no GGUF file; hint"):
        check(tmp_path / "other.gguf", "hint")
