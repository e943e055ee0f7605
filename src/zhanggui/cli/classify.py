"""`zhanggui model classify`: a trained classifier's labels for the texts of a file or of standard input."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from zhanggui.cli.model import StoreOption, artifact_named, store_of
from zhanggui.cli.output import ShopOption, either, errors, say, say_rejected, training_libraries
from zhanggui.errors import CorpusError, ModelError

if TYPE_CHECKING:
    from zhanggui.corpus.document import Document
    from zhanggui.llm.encoder import Encoder
    from zhanggui.storage import RejectFile

_AT_ONCE = 1_024


def classify(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]", help="Of an artifact, or a folder that `model export --to onnx` made."
        ),
    ],
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV, JSONL, JSON, TXT or Parquet; - for standard input, one text a line.")
    ] = Path("-"),
    out: Annotated[Path | None, typer.Option("--out", help="JSONL to write; default: standard output.")] = None,
    text: Annotated[str, typer.Option("--text", help="Column of the text.")] = "text",
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="Column to repeat in the answer; repeatable.")
    ] = None,
    shop: ShopOption = Path(),
    store: StoreOption = None,
) -> None:
    """Label texts with a trained classifier, as JSON lines: label and probabilities. Bad rows go to a reject file."""
    from zhanggui.corpus.clean import clean
    from zhanggui.storage import RejectFile

    encoder = _encoder(name, shop, store)
    if not encoder.labels:
        raise ModelError(f"{name} makes embeddings and has no labels; teach it some: zhanggui train classify")
    rejected, count = (out or Path("classify")).with_suffix(".rejects.jsonl"), 0
    with RejectFile(path=rejected) as rejects, _written(out) as written:
        found = _stdin() if str(file) == "-" else _file(file, text, tuple(keep or ()), rejects)
        while some := list(islice(found, _AT_ONCE)):
            # As the texts that it was trained on were; the answer repeats a text as it came.
            shares = encoder.probabilities([clean(one.text) for one in some])
            for one, row in zip(some, shares, strict=True):
                answer = _answer(encoder, [float(share) for share in row])
                data = {**dict(one.kept), "text": one.text, "source": one.source, **answer}
                written.write(json.dumps(data, ensure_ascii=False) + "\n")
            count += len(some)
    say(
        f"{count:,} texts labelled" + (f": {out}" if out else ""),
        f"已标注 {count:,} 条文本" + (f"：{out}" if out else ""),
        to=errors,
    )
    say_rejected(rejects)


def _encoder(name: str, shop: Path, store: Path | None) -> "Encoder":
    from zhanggui.llm.encoder import SETTINGS, Encoder
    from zhanggui.training.kept import serving_encoder

    if (Path(name) / SETTINGS).is_file():
        return Encoder(name)
    kept = store_of(shop, store)
    artifact = artifact_named(name, kept)
    one = f"{artifact.name} {artifact.version}"
    with training_libraries(), errors.status(either(f"opening {one}", f"正在打开 {one}")):
        return Encoder(serving_encoder(artifact, kept.root / ".served"))


def _answer(encoder: "Encoder", shares: list[float]) -> dict[str, Any]:
    each = {label: round(share, 6) for label, share in zip(encoder.labels, shares, strict=True)}
    likeliest = encoder.labels[shares.index(max(shares))]
    several = {"labels": [label for label, share in each.items() if share >= 0.5]} if encoder.settings.several else {}
    return {"label": likeliest, "probability": each[likeliest], **several, "probabilities": each}


def _file(path: Path, text: str, keep: tuple[str, ...], rejects: "RejectFile") -> "Iterator[Document]":
    from zhanggui.corpus.read import Columns, read

    return read(path, Columns(text=text, keep=keep), rejects=rejects)


def _stdin() -> "Iterator[Document]":
    from zhanggui.corpus.document import Document

    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise CorpusError("it is not UTF-8", source="standard input", line=number, hint="name the file") from error
        if text:
            place = f"stdin:{number}"
            yield Document(document_id=place, text=text, group=place, source=place)


@contextmanager
def _written(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    with out.open("w", encoding="utf-8") as file:
        yield file
