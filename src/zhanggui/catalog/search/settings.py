"""What a shop may set about its search."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """A second stage of the search, for where words match weakly."""

    encoder: str = ""
    """Folder of an ONNX encoder that makes embeddings, relative to the shop's; "" for words alone."""
    query_prefix: str = "query: "
    """What the encoder wants before what a shopper typed."""
    product_prefix: str = "passage: "
    """What it wants before the text of a product."""
