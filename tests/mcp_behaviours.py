"""What the protocol and this shop require of each tool, as data: a name that is a claim, a call, and what must be true of
the answer. `tests/integration/mcp/test_behaviours.py` asks each over every transport.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

META = {"meta": {"ucp-agent": {"profile": "https://platform.example/profile.json"}}}
INVALID_PARAMS = -32602


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One claim about one call. `code`: the call must be refused with that error of JSON-RPC."""

    name: str
    tool: str
    arguments: Mapping[str, Any]
    holds: Callable[[Any], bool] = field(default=lambda _answer: True)
    code: int = 0


def search(**catalog: Any) -> dict[str, Any]:
    return {"tool": "search_catalog", "arguments": META | {"catalog": catalog}}


def lookup(*ids: str, **catalog: Any) -> dict[str, Any]:
    return {"tool": "lookup_catalog", "arguments": META | {"catalog": {"ids": list(ids), **catalog}}}


def product(product_id: str, **catalog: Any) -> dict[str, Any]:
    return {"tool": "get_product", "arguments": META | {"catalog": {"id": product_id, **catalog}}}


def policies(query: str, **more: Any) -> dict[str, Any]:
    return {"tool": "search_shop_policies_and_faqs", "arguments": {"query": query, **more}}


def order(number: str, **proof: str) -> dict[str, Any]:
    return {"tool": "get_order", "arguments": META | {"id": number} | ({"proof": proof} if proof else {})}


def inputs(answer: Any) -> dict[str, list[tuple[str, str]]]:
    return {
        variant["id"]: [(one["id"], one["match"]) for one in variant["inputs"]]
        for found in answer["products"]
        for variant in found["variants"]
    }


def ids(answer: Any) -> list[str]:
    return [found["id"] for found in answer["products"]]


def variant_ids(answer: Any) -> list[str]:
    return [variant["id"] for variant in answer["product"]["variants"]]


def states(answer: Any, option: str) -> dict[str, tuple[bool, bool]]:
    (values,) = (one["values"] for one in answer["product"]["options"] if one["name"] == option)
    return {value["label"]: (value["available"], value["exists"]) for value in values}


def chosen(answer: Any) -> dict[str, str]:
    return {one["name"]: one["label"] for one in answer["product"]["selected"]}


def codes(answer: Any) -> list[str]:
    return [message["code"] for message in answer.get("messages", [])]


def harmless(answer: Any) -> bool:
    """The shop's hostile product as data: plain, cut, and its price its own."""
    told = str(answer)
    return len(told) < 12_000 and not any(token in told for token in ("<script", "<|im_start|>", "\u202e"))


_UNAUTHORIZED = [{
    "type": "error", "code": "unauthorized", "content": "Not authorized to access this order.", "severity": "unrecoverable",
}]  # fmt: skip
_BLUE_M = [{"name": "Color", "label": "Red"}, {"name": "Size", "label": "M"}]

BEHAVIOURS = [
    # search_catalog
    Behaviour(
        name="every answer names the version and its capability",
        **search(query="shirt"),
        holds=lambda answer: (
            answer["ucp"]
            == {
                "version": "2026-04-08",
                "capabilities": {"dev.ucp.shopping.catalog.search": [{"version": "2026-04-08"}]},
            }
        ),
    ),
    Behaviour(
        name="a product has what the schema requires",
        **search(query="linen shirt"),
        holds=lambda answer: (
            {"id", "title", "description", "price_range", "variants"} <= set(answer["products"][0])
            and answer["products"][0]["price_range"]
            == {"min": {"amount": 2500, "currency": "USD"}, "max": {"amount": 3000, "currency": "USD"}}
        ),
    ),
    Behaviour(
        name="the featured variant can be bought",
        **search(query="linen shirt"),
        holds=lambda answer: (
            answer["products"][0]["variants"][0]["availability"] == {"available": True, "status": "in_stock"}
        ),
    ),
    Behaviour(
        name="a page has ten products unless more are asked for",
        **search(query="jasmine tea"),
        holds=lambda answer: (
            len(answer["products"]) == 10
            and answer["pagination"]["has_next_page"]
            and answer["pagination"]["total_count"] == 24
            and isinstance(answer["pagination"]["cursor"], str)
        ),
    ),
    Behaviour(
        name="a page is as long as was asked for, up to fifty",
        **search(query="jasmine tea", pagination={"limit": 500}),
        holds=lambda answer: len(answer["products"]) == 24 and answer["pagination"]["has_next_page"] is False,
    ),
    Behaviour(
        name="a foreign cursor is refused",
        **search(query="tea", pagination={"cursor": "eyJwYWdlIjoxfQ=="}),
        code=INVALID_PARAMS,
    ),
    Behaviour(
        name="a search without any input is refused", **search(context={"intent": "a gift"}), code=INVALID_PARAMS
    ),
    Behaviour(
        name="filters alone browse",
        **search(filters={"categories": ["Clothing"]}),
        holds=lambda answer: ids(answer) == ["shirt"],
    ),
    Behaviour(
        name="categories are alternatives",
        **search(filters={"categories": ["Clothing", "Kitchen"]}),
        holds=lambda answer: sorted(ids(answer)) == ["hostile", "shirt"],
    ),
    Behaviour(
        name="a price filter is in minor units",
        **search(query="jasmine tea", filters={"price": {"min": 300, "max": 500}}),
        holds=lambda answer: sorted(ids(answer)) == ["tea-3", "tea-4"],
    ),
    Behaviour(
        name="a price filter in a currency that the shop has not is left out, which is said",
        **search(query="linen shirt", filters={"price": {"max": 100}}, context={"currency": "EUR"}),
        holds=lambda answer: ids(answer)[:1] == ["shirt"] and codes(answer) == ["price_filter_ignored"],
    ),
    Behaviour(
        name="the language of texts is a hint that is taken",
        **search(query="linen shirt", context={"language": "zh-Hans"}),
        holds=lambda answer: answer["products"][0]["title"] == "亚麻衬衫",
    ),
    Behaviour(
        name="what is claimed of the shopper changes no price",
        **search(
            query="linen shirt", context={"eligibility": ["com.example.staff_price"], "intent": "everything is free"}
        ),
        holds=lambda answer: answer["products"][0]["price_range"]["min"]["amount"] == 2500,
    ),
    Behaviour(
        name="a wish that had to be given up is said",
        **search(query="linen shirt", filters={"price": {"max": 1000}}),
        holds=lambda answer: "constraint_relaxed" in codes(answer) and ids(answer)[:1] == ["shirt"],
    ),
    Behaviour(name="what a product says is data", **search(query="mug"), holds=harmless),
    Behaviour(
        name="a call without the platform's profile is refused",
        tool="search_catalog",
        arguments={"catalog": {"query": "tea"}},
        code=INVALID_PARAMS,
    ),
    Behaviour(name="a query of any length is refused or answered", **search(query="茶" * 501), code=INVALID_PARAMS),
    # lookup_catalog
    Behaviour(
        name="a variant says which input found it, and how",
        **lookup("shirt", "shirt-blue-s"),
        holds=lambda answer: (
            inputs(answer) == {"shirt-red-s": [("shirt", "featured")], "shirt-blue-s": [("shirt-blue-s", "exact")]}
        ),
    ),
    Behaviour(
        name="two inputs that lead to one variant are both named",
        **lookup("shirt", "shirt-red-s"),
        holds=lambda answer: inputs(answer) == {"shirt-red-s": [("shirt", "featured"), ("shirt-red-s", "exact")]},
    ),
    Behaviour(
        name="a product is returned once, however often it is named",
        **lookup("shirt", "shirt-blue-m", "shirt", "shirt-blue-m"),
        holds=lambda answer: ids(answer) == ["shirt"] and len(inputs(answer)) == 2,
    ),
    Behaviour(
        name="what is unknown is left out and named",
        **lookup("tea-1", "no-such-thing"),
        holds=lambda answer: (
            ids(answer) == ["tea-1"]
            and answer["messages"] == [{"type": "info", "code": "not_found", "content": "no-such-thing"}]
        ),
    ),
    Behaviour(
        name="nothing found is an answer and no error",
        **lookup("no-such-thing"),
        holds=lambda answer: answer["products"] == [] and "status" not in answer["ucp"],
    ),
    Behaviour(name="fifty identifiers are taken", **lookup(*(f"tea-{number}" for number in range(50)))),
    Behaviour(
        name="more than fifty are refused", **lookup(*(f"tea-{number}" for number in range(51))), code=INVALID_PARAMS
    ),
    Behaviour(name="no identifier is refused", **lookup(), code=INVALID_PARAMS),
    Behaviour(
        name="a product whose variants all cost too much is left out",
        **lookup("shirt", "tea-1", filters={"price": {"max": 2000}}),
        holds=lambda answer: ids(answer) == ["tea-1"],
    ),
    Behaviour(
        name="a filter picks the representative among the variants that pass it",
        **lookup("shirt", filters={"price": {"min": 2600}}),
        holds=lambda answer: inputs(answer) == {"shirt-blue-s": [("shirt", "featured")]},
    ),
    # get_product
    Behaviour(
        name="a product shows its featured variant's options and what is beside them",
        **product("shirt"),
        holds=lambda answer: (
            chosen(answer) == {"Color": "Red", "Size": "S"}
            and variant_ids(answer) == ["shirt-red-s"]
            and states(answer, "Size") == {"S": (True, True), "M": (False, False)}
        ),
    ),
    Behaviour(
        name="a partial choice narrows the variants and the signals",
        **product("shirt", selected=[{"name": "Color", "label": "Blue"}]),
        holds=lambda answer: (
            chosen(answer) == {"Color": "Blue"}
            and variant_ids(answer) == ["shirt-blue-s", "shirt-blue-m"]
            and states(answer, "Size") == {"S": (True, True), "M": (False, True)}
        ),
    ),
    Behaviour(
        name="a choice that no variant has is relaxed from the end of the preferences",
        **product("shirt", selected=_BLUE_M, preferences=["Color", "Size"]),
        holds=lambda answer: chosen(answer) == {"Color": "Red"},
    ),
    Behaviour(
        name="a variant's identifier decides its options and comes first",
        **product("shirt-blue-m", selected=[{"name": "Color", "label": "Red"}]),
        holds=lambda answer: (
            variant_ids(answer)[0] == "shirt-blue-m" and chosen(answer) == {"Color": "Blue", "Size": "M"}
        ),
    ),
    Behaviour(
        name="an option may be chosen once",
        **product("shirt", selected=[{"name": "Color", "label": "Red"}, {"name": "color", "label": "Blue"}]),
        code=INVALID_PARAMS,
    ),
    Behaviour(
        name="no such product is an outcome, not an error of the transport",
        **product("no-such-thing"),
        holds=lambda answer: (
            answer["ucp"]["status"] == "error"
            and answer["messages"][0]["code"] == "not_found"
            and "product" not in answer
        ),
    ),
    Behaviour(name="a hostile description is plain text of bounded length", **product("hostile"), holds=harmless),
    # search_shop_policies_and_faqs
    Behaviour(
        name="a policy is cited by page and section",
        **policies("What does delivery cost?"),
        holds=lambda answer: (
            answer["sections"][0]["id"] == "shipping#delivery-costs"
            and "free from 50 USD" in answer["sections"][0]["text"]
        ),
    ),
    Behaviour(
        name="what no page says has no section",
        **policies("dinosaurs"),
        holds=lambda answer: answer["sections"] == [],
    ),
    Behaviour(name="an empty question is refused", **policies(""), code=INVALID_PARAMS),
    # get_order
    Behaviour(
        name="an order without proof is not shown",
        **order("W1001"),
        holds=lambda answer: answer["ucp"]["status"] == "error" and answer["messages"] == _UNAUTHORIZED,
    ),
    Behaviour(
        name="an order that is not there is answered like one of somebody else",
        **order("W9999", email="mia@example.com"),
        holds=lambda answer: answer["messages"] == _UNAUTHORIZED,
    ),
    Behaviour(
        name="a forged token proves nothing",
        **order("W1001", visitor_token="mia.9999999999.forged"),
        holds=lambda answer: answer["messages"] == _UNAUTHORIZED,
    ),
    Behaviour(
        name="the order's e-mail address opens it, and shows no more than it must",
        **order("W1001", email="Mia@Example.com"),
        holds=lambda answer: (
            answer["id"] == "W1001"
            and answer["totals"] == [{"type": "total", "amount": 2500}]
            and answer["fulfillment"]["events"][0]["tracking_number"] == "1Z999"
            and not any(private in str(answer) for private in ("Hidden Lane", "mia@", "555"))
        ),
    ),
]
