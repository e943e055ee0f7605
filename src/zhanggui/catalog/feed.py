"""Product feeds: CSV and JSONL with a mapping, Shopify's product export, Google Merchant feeds (XML and TSV).

A bad row goes to the reject file with its line, field and reason; the good ones go on. Knows no store.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from zhanggui.catalog.product import Language, Product
from zhanggui.catalog.row import FIELDS, Deletion, Siblings
from zhanggui.catalog.rows import Row, read_rows
from zhanggui.catalog.shopify import variants
from zhanggui.errors import ProductError
from zhanggui.storage import RejectFile

Format = Literal["auto", "csv", "jsonl", "shopify", "google"]
_GOOGLE = {
    "id": "product_id",
    "title": "title",
    "description": "description",
    "link": "url",
    "image_link": "image_url",
    "price": "price",
    "sale_price": "sale_price",
    "brand": "brand",
    "availability": "availability",
    "product_type": "category",
    "google_product_category": "google_category",
    "quantity": "stock",
}
# What a Google feed tells Google and no reader: kept out of the facts that copy may rely on.
_GOOGLE_ONLY = re.compile(
    r"(?:mobile|canonical|lifestyle_image|virtual_model|checkout)_link.*|link_template|gtin|mpn|identifier_exists"
    r"|cost_of_goods_sold|auto_pricing_\w+|(?:expiration|availability|disclosure)_date|adult|pause|promotion_id"
    r"|(?:custom_label|ads|shopping_ads|included|excluded|shipping|tax|pickup|unit_pricing)_\w+|shipping|tax|installment"
    r"|subscription_cost|loyalty_\w+|(?:min|max)_handling_time|transit_time_label|return_policy_label|ships_from_country"
    r"|external_seller_id|store_code"
)
_ENCODINGS = ("utf-8-sig", "gb18030")


def read_feed(
    path: Path,
    *,
    rejects: RejectFile,
    currency: str,
    language: Language,
    form: Format = "auto",
    mapping: Mapping[str, str] | None = None,
    refused: Callable[[Sequence[str]], None] = lambda _ids: None,
) -> Iterator[Product | Deletion | Siblings]:
    """Products and deletions of a feed. `mapping` gives the column of a field (field -> column).

    `refused` is told the ids that each bad row names. Raises ProductError when the file as a whole cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProductError(f"it cannot be opened: {error.strerror}", source=str(path)) from error
    columns = {column: field for field, column in (mapping or {}).items()}

    def refuse(error: ProductError, line: int, raw: str, ids: Sequence[str]) -> None:
        rejects.add(error.at(str(path), line), raw)
        if ids:
            refused(ids)

    read_as = form if form != "auto" else _guess(data, path)
    rows = (
        (line, {columns.get(key, key): value for key, value in fields.items()}, raw)
        for line, fields, raw in _rows(data, path, read_as, rejects)
    )
    # Shopify's export has each product with all its variants.
    yield from read_rows(rows, currency=currency, language=language, refused=refuse, whole=read_as == "shopify")


def _guess(data: bytes, path: Path) -> Format:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"<"):
        return "google"
    if head.startswith(b"{") or path.suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    first = head.split(b"\n", 1)[0]
    if b"Handle" in first and b"Variant" in first:
        return "shopify"
    return "google" if b"\t" in first and b"id" in first.lower() else "csv"


def _rows(data: bytes, path: Path, form: Format, rejects: RejectFile) -> Iterator[Row]:
    if form == "jsonl":
        return _jsonl(data, path, rejects)
    if form == "google" and data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _google_xml(data, path)
    rows = _csv(data, path, rejects, delimiter="\t" if form == "google" else _delimiter(data))
    if form == "google":
        return ((line, _google(fields.items()), raw) for line, fields, raw in rows)
    return variants(rows) if form == "shopify" else rows


def _jsonl(data: bytes, path: Path, rejects: RejectFile) -> Iterator[Row]:
    for line, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            fields = json.loads(raw.decode("utf-8"))
            if not isinstance(fields, dict):
                raise ProductError("it is not an object", hint="one JSON object a line")
        except UnicodeDecodeError as error:
            problem = ProductError(f"byte {error.start + 1} of the line is not UTF-8", hint="save the file as UTF-8")
            rejects.add(problem.at(str(path), line), raw)
        except ProductError as error:
            rejects.add(error.at(str(path), line), raw)
        except (ValueError, RecursionError) as error:
            rejects.add(ProductError(f"it is not JSON: {error}").at(str(path), line), raw)
        else:
            yield line, fields, raw.decode("utf-8")


def _delimiter(data: bytes) -> str:
    first = data.split(b"\n", 1)[0]
    return max((",", ";", "\t"), key=lambda sign: first.count(sign.encode()))


def _csv(data: bytes, path: Path, rejects: RejectFile, *, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(1_000_000)
    lines = csv.reader(_decoded(data, path), delimiter=delimiter)
    header: list[str] = []
    while True:
        start = lines.line_num + 1
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            rejects.add(ProductError(f"it is not CSV: {error}").at(str(path), start), "")
            continue
        raw = delimiter.join(values)
        if not header:
            header = [name.strip() for name in values]
            doubles = sorted({name for name in header if name and header.count(name) > 1})
            if doubles:
                raise ProductError(f"column {doubles[0]!r} is there twice", source=str(path), line=start)
        elif not any(values):
            continue
        elif "\ufffd" in raw:
            problem = "it has bytes that are not UTF-8"
            rejects.add(ProductError(problem, hint="save the file as UTF-8").at(str(path), start), raw)
        elif len(values) != len(header):
            problem = f"it has {len(values)} columns, the header {len(header)}"
            rejects.add(ProductError(problem, hint="is a quotation mark missing?").at(str(path), start), raw)
        else:
            yield start, {name: value for name, value in zip(header, values, strict=True) if name}, raw


def _decoded(data: bytes, path: Path) -> io.StringIO:
    """UTF-8, or GB18030 when the file is that as a whole; single broken rows of UTF-8 are marked and rejected later."""
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "gb18030" and not any("\u4e00" <= sign <= "\u9fff" for sign in text[:100_000]):
            continue
        if encoding == "utf-8-sig" or sum(sign > "\u9fff" for sign in text) * 20 < len(text):
            return io.StringIO(text.replace("\x00", ""), newline="")
    return io.StringIO(data.decode("utf-8-sig", "replace").replace("\x00", ""), newline="")


def _google(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of an item by our names; of a name given twice the first counts, but of pictures all do."""
    fields: dict[str, Any] = {}
    for key, value in pairs:
        name = key.strip().lower().replace(" ", "_").removeprefix("g:")
        if name == "additional_image_link":
            fields.setdefault("image_urls", []).extend(value.split(","))
        elif not _GOOGLE_ONLY.fullmatch(name):
            fields.setdefault(_GOOGLE.get(name, name if name in FIELDS else key), value)
    return fields


def _google_xml(data: bytes, path: Path) -> Iterator[Row]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ProductError(f"it is not XML that can be trusted: {error!r}", source=str(path)) from error
    items = [one for one in root.iter() if one.tag.rsplit("}", 1)[-1] in ("item", "entry")]
    for number, item in enumerate(items, 1):
        fields = _google(
            (child.tag.rsplit("}", 1)[-1], (child.text or child.get("href") or "").strip()) for child in item
        )
        yield number, fields, json.dumps(fields, ensure_ascii=False)
