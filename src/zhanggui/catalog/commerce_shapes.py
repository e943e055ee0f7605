"""The shapes that the Universal and the Agentic Commerce Protocol share: prices, availability, media, plain texts.

Every text is somebody's data: cleaned of markup and control tokens and cut, whatever was stored. Knows no protocol's envelope.
"""

from collections.abc import Mapping
from datetime import datetime

from zhanggui.catalog.clean import clean
from zhanggui.catalog.product import Language, Product, Variant
from zhanggui.money import Money

Json = Mapping[str, object]

_TITLE, _DESCRIPTION = 200, 4_000
"""The longest title and description in characters."""
_MEDIA = 10


def offered(product: Product, moment: datetime) -> tuple[Variant, ...]:
    """What can be put into a basket: the variants, those that can be bought first, then by price. A product without any is
    its own one variant.
    """
    if not product.variants:
        sole = Variant(
            variant_id=product.product_id,
            options={},
            price=product.price,
            sale_price=product.sale_price,
            stock=product.stock,
            ahead=product.ahead,
            image_url=product.image_url,
            url=product.url,
        )
        return (sole,)
    return tuple(
        sorted(
            product.variants,
            key=lambda variant: (variant.sold_out, selling_price(product, variant, moment).minor, variant.variant_id),
        )
    )


def selling_price(product: Product, variant: Variant, moment: datetime) -> Money:
    """What one of the variants `offered` costs at `moment`."""
    return product.price_at(moment, variant.variant_id if product.variants else None)


def price(money: Money) -> Json:
    """Minor units of ISO 4217."""
    return {"amount": money.minor, "currency": money.currency}


def prices(product: Product, variant: Variant, moment: datetime) -> Json:
    """The price at `moment`, and the list price where a sale has lowered it."""
    now = selling_price(product, variant, moment)
    lowered = {"list_price": price(variant.price)} if now < variant.price else {}
    return {"price": price(now), **lowered}


def availability(item: Product | Variant) -> Json:
    """Whether it can be bought, and how it is shipped: in_stock, preorder, backorder, out_of_stock."""
    return {"available": not item.sold_out, "status": item.availability.replace(" ", "_")}


def title(product: Product, language: Language) -> str:
    """The title as plain text; the id where cleaning leaves nothing of it."""
    return plain(product.title(language), _TITLE) or product.product_id


def variant_title(product: Product, variant: Variant, language: Language) -> str:
    """What sets the variant apart ("blue / M"), or the product's title."""
    values = [plain(value, _TITLE) for value in variant.options.values()]
    return plain(" / ".join(filter(None, values)), _TITLE) or title(product, language)


def description(product: Product, language: Language) -> Json:
    """The description in `language`, or in the other one, or the title."""
    told = product.descriptions.get(language) or next(iter(product.descriptions.values()), "")
    return {"plain": plain(told, _DESCRIPTION) or title(product, language)}


def options(variant: Variant) -> list[tuple[str, str]]:
    """(name, value) of each option, in the order of the feed."""
    named = ((plain(name, _TITLE), plain(value, _TITLE)) for name, value in variant.options.items())
    return [(name, value) for name, value in named if name and value]


def categories(product: Product) -> Json:
    """The shop's own category, if it has one."""
    path = plain(product.category, _TITLE)
    return {"categories": [{"value": path, "taxonomy": "merchant"}]} if path else {}


def media(*urls: str, alt_text: str) -> Json:
    """Pictures, the first of them featured."""
    pictures = [
        {"type": "image", "url": url, "alt_text": alt_text} for url in dict.fromkeys(urls) if _is_web_address(url)
    ]
    return {"media": pictures[:_MEDIA]} if pictures else {}


def link(url: str) -> Json:
    """The page, if it has one."""
    return {"url": url} if _is_web_address(url) else {}


def plain(text: str, longest: int) -> str:
    """Text as data: no markup, no control tokens, at most `longest` characters."""
    return clean(text[: 4 * longest])[:longest].rstrip()


def _is_web_address(url: str) -> bool:
    return url.startswith(("https://", "http://")) and len(url) <= 2_000
