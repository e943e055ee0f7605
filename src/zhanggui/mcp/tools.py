"""The five tools: arguments that fit their schema -> an answer in the protocol's shape. Reads; changes nothing.

What the caller says of the shopper (context) chooses language and currency and opens nothing; an order needs proof.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhanggui.catalog import commerce_shapes as shapes
from zhanggui.catalog.commerce_shapes import Json
from zhanggui.catalog.product import Language, Product, Variant
from zhanggui.catalog.search import Query, Relaxation, Results
from zhanggui.engine import Engine
from zhanggui.errors import AccessError, InputError, NotFoundError
from zhanggui.mcp import input_schemas, ucp
from zhanggui.mcp.order_view import order_view
from zhanggui.mcp.product_view import detailed, listed, looked_up
from zhanggui.money import Money
from zhanggui.service.proof import NoProof, Proof

_PAGE, _SECTIONS, _SECTION = 10, 3, 4_000
_DEEPEST = 1_000
"""How far pages reach."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool: what it is called, says of itself, takes, and does for a visitor."""

    name: str
    title: str
    description: str
    schema: Json
    call: Callable[[Engine, Arguments, str], Json]
    """Engine, arguments, who asks. Raises InputError for arguments that nothing can be done with."""


def search_catalog(engine: Engine, arguments: Arguments, _visitor_id: str) -> Json:
    """Find products by words and filters."""
    asked = arguments["catalog"]
    filters, pages = asked.get("filters", {}), asked.get("pagination", {})
    if not asked.get("query", "").strip() and not any(filters.get(name) for name in ("categories", "price")):
        raise InputError("give a query, filters.categories or filters.price", field="catalog")
    offset = _offset(pages.get("cursor", ""))
    limit = min(pages.get("limit", _PAGE), input_schemas.MOST_PER_PAGE)
    limits, messages = _price_limits(engine, asked)
    queries = [
        Query(
            text=asked.get("query", ""),
            language=_language(engine, asked),
            category=category,
            price_min=limits[0],
            price_max=limits[1],
            limit=offset + limit,
        )
        for category in filters.get("categories") or [""]
    ]
    found = [engine.catalog.search(query) for query in queries]
    ranked = _merged([one.results for one in found])
    products = {product.product_id: product for one in found for product in one.products}
    total = found[0].results.total if len(found) == 1 else len(ranked)
    page = [products[product_id] for product_id in ranked[offset : offset + limit] if product_id in products]
    more = total > offset + limit and offset + limit < _DEEPEST
    messages += [_relaxed(one) for result in found for one in result.results.relaxed]
    body = {
        "products": [listed(product, **_view(engine, asked)) for product in page],
        "pagination": {
            "has_next_page": more,
            "total_count": total,
            **({"cursor": _cursor(offset + limit)} if more else {}),
        },
    }
    return ucp.answer(ucp.SEARCH, body, messages=messages)


def lookup_catalog(engine: Engine, arguments: Arguments, _visitor_id: str) -> Json:
    """Look products and variants up by their identifiers."""
    asked = arguments["catalog"]
    identifiers = list(dict.fromkeys(asked["ids"]))
    by_identifier = engine.catalog.lookup(identifiers)
    limits, messages = _price_limits(engine, asked)
    named: dict[str, list[str]] = {}
    for identifier, product in by_identifier.items():
        named.setdefault(product.product_id, []).append(identifier)
    products = {product.product_id: product for product in by_identifier.values()}
    shown = [
        looked_up(products[product_id], ids, **_view(engine, asked), allowed=_allowed(engine, products[product_id], asked, limits))
        for product_id, ids in named.items()
    ]  # fmt: skip
    messages += [ucp.info("not_found", identifier) for identifier in identifiers if identifier not in by_identifier]
    return ucp.answer(ucp.LOOKUP, {"products": [one for one in shown if one]}, messages=messages)


def get_product(engine: Engine, arguments: Arguments, _visitor_id: str) -> Json:
    """Show one product in full, narrowed to the options chosen so far."""
    asked = arguments["catalog"]
    product = engine.catalog.lookup([asked["id"]]).get(asked["id"])
    limits, messages = _price_limits(engine, asked)
    chosen = [(option["name"], option["label"]) for option in asked.get("selected", [])]
    if len({name.casefold() for name, _ in chosen}) < len(chosen):
        raise InputError("an option is chosen twice", field="catalog.selected")
    shown = product and detailed(
        product,
        asked["id"],
        selected=chosen,
        preferences=asked.get("preferences", []),
        **_view(engine, asked),
        allowed=_allowed(engine, product, asked, limits),
    )
    if not shown:
        return ucp.failure(ucp.LOOKUP, "not_found", f"Product not found: {asked['id']}")
    return ucp.answer(ucp.LOOKUP, {"product": shown}, messages=messages)


def search_shop_policies_and_faqs(engine: Engine, arguments: Arguments, _visitor_id: str) -> Json:
    """Cite what the shop promises. Where no page says anything of it, there is no section."""
    language = _language(engine, {"context": arguments})
    sections = engine.service.policies(arguments["query"], language, limit=_SECTIONS)
    return {
        "sections": [
            {
                "id": section.citation,
                "heading": shapes.plain(section.heading, 200),
                "text": section.text[:_SECTION],
                "language": section.language,
            }
            for section in sections
        ]
    }


def get_order(engine: Engine, arguments: Arguments, visitor_id: str) -> Json:
    """Show an order to who can prove that it is theirs. Wrong proof and no such order are answered alike."""
    refused = ucp.failure(ucp.ORDER, "unauthorized", "Not authorized to access this order.")
    proof = _proof(engine, arguments["id"], arguments.get("proof", {}), visitor_id)
    if proof is None:
        return refused
    try:
        order = engine.service.order(arguments["id"], proof)
    except NotFoundError:
        return refused
    shop = engine.config.shop
    return ucp.answer(ucp.ORDER, order_view(order, shop_url=shop.url, currency=shop.currency))


TOOLS = tuple(
    Tool(name=call.__name__, title=title, description=description, schema=schema, call=call)
    for call, schema, title, description in (
        (
            search_catalog,
            input_schemas.SEARCH_CATALOG,
            "Search the shop's catalogue",
            "Find products of this shop by words (Chinese or English), categories and price. Prices are in minor units "
            "and hold now. `messages` say which wishes were given up where nothing met all of them.",
        ),
        (
            lookup_catalog,
            input_schemas.LOOKUP_CATALOG,
            "Look products up",
            "Get products by identifiers of products or variants. `inputs` of each variant say which identifier named it.",
        ),
        (
            get_product,
            input_schemas.GET_PRODUCT,
            "Show a product",
            "Get one product in full: its options, which of them can be bought beside those selected, and its variants.",
        ),
        (
            search_shop_policies_and_faqs,
            input_schemas.SEARCH_SHOP_POLICIES_AND_FAQS,
            "Search the shop's policies",
            "Find what the shop says of delivery, returns, payment, warranty and the like. Answer from the sections "
            "alone and cite their ids; without a section the shop has said nothing of it.",
        ),
        (
            get_order,
            input_schemas.GET_ORDER,
            "Show an order",
            "Get an order's state. It needs the shopper's proof: the e-mail address or the telephone number of the order, "
            "or a visitor token of the shop. Ask the shopper for it; never guess, three wrong tries close the order for a day.",
        ),
    )
)  # fmt: skip


def _view(engine: Engine, asked: Arguments) -> dict[str, Any]:
    return {"language": _language(engine, asked), "seller": engine.config.shop.name, "moment": engine.clock()}


def _language(engine: Engine, asked: Arguments) -> Language:
    spoken = asked.get("context", {}).get("language", "").lower()
    if spoken.startswith("zh"):
        return "zh"
    return "en" if spoken.startswith("en") else engine.config.shop.language


def _price_limits(engine: Engine, asked: Arguments) -> tuple[tuple[Money | None, Money | None], list[Json]]:
    """The price filter in the shop's currency. In any other it is left out, which a message says."""
    wanted = asked.get("filters", {}).get("price", {})
    shop = engine.config.shop.currency
    named = asked.get("context", {}).get("currency", shop).upper()
    if wanted and named != shop:
        return (None, None), [ucp.warning("price_filter_ignored", f"This shop sells in {shop}; it converts no prices.")]
    lowest, highest = (
        Money(currency=shop, minor=wanted[bound]) if bound in wanted else None for bound in ("min", "max")
    )
    return (lowest, highest), []


def _allowed(
    engine: Engine, product: Product, asked: Arguments, limits: tuple[Money | None, Money | None]
) -> Sequence[Variant]:
    """The variants that the filters let through."""
    categories = asked.get("filters", {}).get("categories")
    if categories and not any(f"{product.category} > ".startswith(f"{category} > ") for category in categories):
        return ()
    moment = engine.clock()
    lowest, highest = limits
    return [
        variant
        for variant in shapes.offered(product, moment)
        for price in [shapes.selling_price(product, variant, moment)]
        if (lowest is None or (price.currency == lowest.currency and price >= lowest))
        and (highest is None or (price.currency == highest.currency and price <= highest))
    ]


def _merged(results: Sequence[Results]) -> list[str]:
    """Products of several categories by their score; each once."""
    scored = {
        product_id: score
        for result in results
        for product_id, score in zip(result.product_ids, result.scores, strict=True)
    }
    return sorted(scored, key=lambda product_id: -scored[product_id])


def _relaxed(relaxed: Relaxation) -> Json:
    value = shapes.plain(relaxed.value, 200)
    return ucp.warning("constraint_relaxed", f"Nothing met every wish; given up: {relaxed.constraint} {value}")


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset {offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, number = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        offset = int(number) if word == "offset" and number.isascii() and number.isdigit() else -1
    except ValueError:
        offset = -1
    if not 0 <= offset <= _DEEPEST:
        raise InputError("it is no cursor of this shop", field="catalog.pagination.cursor")
    return offset


def _proof(engine: Engine, number: str, shown: Arguments, visitor_id: str) -> Proof | None:
    """What the shopper has shown, if it proves anything."""
    token, email, phone = (shown.get(name, "").strip() for name in ("visitor_token", "email", "phone"))
    if token:
        try:
            return engine.service.visitor(token, visitor_id=visitor_id)
        except AccessError:
            return None
    if not email and not phone:
        return None
    try:
        proof = engine.service.prove(number, visitor_id=visitor_id, email=email, phone=phone)
    except InputError:
        return None
    return None if isinstance(proof, NoProof) else proof
