"""Products as documents: one a product and language, grouped by product. Takes plain rows; knows no catalogue and no feed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zhanggui.corpus.document import Document

_STOP = {"zh": "。", "en": ". "}


def documents(rows: Iterable[Mapping[str, Any]], *, source: str) -> Iterator[Document]:
    """Title and description of each product in each of its languages.

    A row has `product_id`, `titles` and `descriptions` by language ("en", "zh"), and may have `brand`, `category` and
    `attributes` (name -> value); brand and attributes go with the text as what it may mention, the category as its topic.
    """
    for row in rows:
        facts = [(name, str(value)) for name, value in row.get("attributes", {}).items() if value]
        if row.get("brand"):
            facts.insert(0, ("brand", str(row["brand"])))
        for language, stop in _STOP.items():
            parts = [row[key].get(language, "") for key in ("titles", "descriptions")]
            text = stop.join(
                part.strip().rstrip(".。") if place == 0 else part for place, part in enumerate(parts) if part
            )
            if text:
                yield Document(
                    document_id=f"{row['product_id']}-{language}",
                    text=text,
                    group=str(row["product_id"]),
                    topic=str(row.get("category", "")),
                    attributes=tuple(facts),
                    source=source,
                )
