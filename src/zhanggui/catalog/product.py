"""What the shop sells, as one frozen noun. Does not know feeds, stores or search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zhanggui.money import Money

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


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
    """Units at hand; None when the shop does not count."""
    url: str = ""
    image_url: str = ""

    @property
    def sold_out(self) -> bool:
        """The shop counts its units, and none is left."""
        return self.stock is not None and self.stock <= 0

    def price_at(self, moment: datetime) -> Money:
        """What it costs at `moment`: the sale price within its time, else the price."""
        on_sale = (self.sale_from is None or self.sale_from <= moment) and (
            self.sale_until is None or moment < self.sale_until
        )
        return self.sale_price if self.sale_price is not None and on_sale else self.price

    def title(self, language: Language) -> str:
        """The title in `language`, or in the other one where there is none."""
        return self.titles.get(language) or next(iter(self.titles.values()))
