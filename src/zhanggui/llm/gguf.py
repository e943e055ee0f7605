"""Says what is wrong with a GGUF file: missing, another format, cut short; and which one it is. Knows no weights."""

import hashlib
import mmap
import struct
from pathlib import Path

from zhanggui.errors import ModelError

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by its type
# Weights in a block and bytes of a block, by ggml's number of the type; of others only where they begin is known.
_BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
           11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 30: (1, 2)}  # fmt: skip


def check(path: Path, hint: str) -> None:
    """Raise ModelError, ending in `hint`, where there is no GGUF file at `path`."""
    if path.is_dir():
        found = sorted(one.name for one in path.glob("*.gguf"))
        if found:
            raise ModelError(f"{path} is a folder; name its file: {path / found[0]}")
        raise ModelError(
            f"the folder {path} holds no GGUF file; a model in Hugging Face's form becomes one by "
            f"`zhanggui model export NAME --to gguf`; {hint}"
        )
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(f"the model {path} cannot be opened: {error.strerror}; {hint}") from error
    if magic != _MAGIC:
        raise ModelError(f"{path} is {'empty' if not magic else 'no GGUF file'}; {hint}")


def digest(path: Path) -> str:
    """The start of the file's SHA-256, to tell it from others."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def cut_short(path: Path) -> str:
    """That the file ends before what its header describes does, in words; "" when it does not, or no header is there."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            whole = _described(data)
    except (IndexError, struct.error):
        return f"it is cut short, within its header of a file of {size:,} bytes; fetch or export it anew"
    except (ValueError, KeyError, OverflowError):
        return ""
    return f"it is cut short, at {size:,} of {whole:,} bytes; fetch or export it anew" if size < whole else ""


def _described(data: mmap.mmap) -> int:
    """The bytes that the file must have. Raises IndexError or struct.error where it ends first."""
    at = 4

    def number(form: str) -> int:
        nonlocal at
        value: int = struct.unpack_from(f"<{form}", data, at)[0]
        at += struct.calcsize(form)
        return value

    def skip(count: int) -> None:
        nonlocal at
        at += count
        if at > len(data):
            raise IndexError(at)

    def value(kind: int) -> int:
        """Past one value; what it is where it is a 32-bit number."""
        if kind == _STRING:
            skip(number("Q"))
        elif kind == _ARRAY:
            inner, count = number("I"), number("Q")
            if inner in _SIZES:
                skip(_SIZES[inner] * count)
            else:
                for _ in range(count):
                    value(inner)
        elif kind == 4:
            return number("I")
        else:
            skip(_SIZES[kind])
        return 0

    if number("I") not in (2, 3):
        raise ValueError("an unknown version")
    tensors, entries = number("Q"), number("Q")
    alignment = 32
    for _ in range(entries):
        length = number("Q")
        name = data[at : at + length]
        skip(length)
        found = value(number("I"))
        if name == b"general.alignment":
            alignment = found or alignment
    ends = [0]
    for _ in range(tensors):
        skip(number("Q"))
        weights = 1
        for _ in range(number("I")):
            weights *= number("Q")
        in_block, block = _BLOCKS.get(number("I"), (1, 0))
        ends.append(number("Q") + weights // in_block * block)
    return -(-at // alignment) * alignment + max(ends)
