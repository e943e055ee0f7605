"""What the shop sells, as one frozen noun. Does not know feeds, stores or search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from zhanggui.money import Money

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Availability = Literal["in stock", "preorder", "backorder", "out of stock"]
Ahead = Literal["", "preorder", "backorder"]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One choice of a product, such as its size and colour, with a price and a stock of its own."""

    variant_id: str
    """The SKU; unique in the shop."""
    options: Mapping[str, str]
    """The name of each option as the feed wrote it, and its value."""
    price: Money
    sale_price: Money | None = None
    """What it costs within the sale of its product."""
    stock: int | None = None
    ahead: Ahead = ""
    image_url: str = ""
    url: str = ""

    @property
    def availability(self) -> Availability:
        """Whether it can be bought, and when it is shipped."""
        return _availability(self.stock, self.ahead)

    @property
    def sold_out(self) -> bool:
        """The shop counts its units, none is left, and it is not sold ahead."""
        return self.availability == "out of stock"


@dataclass(frozen=True, kw_only=True)
class Product:
    """One thing for sale. Texts are plain (no markup), by language; at least one title is there."""

    product_id: str
    titles: Mapping[Language, str]
    price: Money
    sale_price: Money | None = None
    """What it costs from `sale_from` until `sale_until` (None: no bound); `price_at` says which one holds."""
    sale_from: datetime | None = None
    sale_until: datetime | None = None
    descriptions: Mapping[Language, str] = field(default_factory=dict)
    brand: str = ""
    category: str = ""
    """Path from general to special, joined by " > "."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Facts that copy may use as evidence, such as material, size or origin."""
    stock: int | None = None
    """Units at hand, of all variants; None when the shop does not count."""
    ahead: Ahead = ""
    """It is sold before it is at hand: on preorder or on backorder."""
    url: str = ""
    image_url: str = ""
    image_urls: tuple[str, ...] = ()
    """Further pictures."""
    variants: tuple[Variant, ...] = ()
    """Where there are any, prices and stock are those that `with_variants` gave."""

    @property
    def availability(self) -> Availability:
        """Whether any of it can be bought, and when it is shipped; of variants, the best."""
        if self.variants:
            return min((variant.availability for variant in self.variants), key=_BEST_FIRST.index)
        return _availability(self.stock, self.ahead)

    @property
    def sold_out(self) -> bool:
        """The shop counts its units, none is left of any variant, and it is not sold ahead."""
        return self.availability == "out of stock"

    def price_at(self, moment: datetime, variant_id: str | None = None) -> Money:
        """What it (or one of its variants) costs at `moment`: the sale price within its time, else the price.

        Of a product with variants that is the lowest price. Raises KeyError for a variant that it has not.
        """
        priced: Product | Variant = self if variant_id is None else self.variant(variant_id)
        return priced.sale_price if priced.sale_price is not None and self.on_sale(moment) else priced.price

    def on_sale(self, moment: datetime) -> bool:
        """Whether its sale prices hold at `moment`."""
        return (self.sale_from is None or self.sale_from <= moment) and (
            self.sale_until is None or moment < self.sale_until
        )

    def price_range_at(self, moment: datetime) -> tuple[Money, Money]:
        """The lowest and the highest price at `moment` among the variants that can be bought (all, where none can)."""
        prices = [self.price_at(moment, variant.variant_id) for variant in for_sale(self.variants)] or [
            self.price_at(moment)
        ]
        return min(prices), max(prices)

    def variant(self, variant_id: str) -> Variant:
        """The variant of this id. Raises KeyError."""
        for variant in self.variants:
            if variant.variant_id == variant_id:
                return variant
        raise KeyError(variant_id)

    def title(self, language: Language) -> str:
        """The title in `language`, or in the other one where there is none."""
        return self.titles.get(language) or next(iter(self.titles.values()))


_BEST_FIRST: tuple[Availability, ...] = ("in stock", "preorder", "backorder", "out of stock")


def _availability(stock: int | None, ahead: Ahead) -> Availability:
    if ahead:
        return ahead
    return "in stock" if stock is None or stock > 0 else "out of stock"


def for_sale(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """The variants that can be bought; all of them where none can."""
    return tuple(variant for variant in variants if not variant.sold_out) or tuple(variants)


def with_variants(product: Product, variants: Sequence[Variant]) -> Product:
    """The product with these variants: its price and sale price are the lowest that can be bought, its stock is theirs."""
    if not variants:
        return replace(product, variants=())
    buyable = for_sale(variants)
    price = min(variant.price for variant in buyable)
    sale = min(variant.sale_price or variant.price for variant in buyable)
    counted = [variant.stock for variant in variants if variant.stock is not None]
    return replace(
        product,
        variants=tuple(variants),
        price=price,
        sale_price=sale if sale < price else None,
        stock=sum(counted) if len(counted) == len(variants) else None,
        image_url=product.image_url or next((variant.image_url for variant in variants if variant.image_url), ""),
    )
