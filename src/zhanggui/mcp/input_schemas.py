"""What each tool takes, as JSON Schema: the protocol's own fields, with the limits of this shop. Data only."""

from zhanggui.catalog.commerce_shapes import Json

MOST_IDS, MOST_PER_PAGE = 50, 50

_LONGEST_ID, _LONGEST_TEXT = 256, 500


def _text(description: str, longest: int = _LONGEST_TEXT) -> Json:
    return {"type": "string", "maxLength": longest, "description": description}


def _object(properties: Json, *required: str, description: str = "") -> Json:
    told = {"description": description} if description else {}
    return {"type": "object", "properties": properties, "required": list(required), **told}


def _texts(description: str, most: int, longest: int = _LONGEST_ID) -> Json:
    return {"type": "array", "items": _text("", longest), "maxItems": most, "description": description}


_META = _object(
    {"ucp-agent": _object({"profile": _text("Address of the platform's profile document.", 2_000)}, "profile")},
    "ucp-agent",
    description="Who asks: the platform's own profile.",
)
_CONTEXT = _object(
    {
        "language": _text("Preferred language of texts, such as en or zh-Hans.", 35),
        "currency": _text("Currency of price filters (ISO 4217).", 3),
        "address_country": _text("A hint.", 100),
        "address_region": _text("A hint.", 100),
        "postal_code": _text("A hint.", 20),
        "intent": _text("A hint of what the shopper is after."),
    },
    description="Hints about the shopper. They choose language and currency of the answer and open nothing.",
)
_AMOUNT: Json = {"type": "integer", "minimum": 0, "maximum": 2**53}
_FILTERS = _object(
    {
        "categories": _texts("Categories, any of them, as products name them.", 10),
        "price": _object({"min": _AMOUNT, "max": _AMOUNT}, description="In minor units of context.currency."),
    },
    description="All of them must hold.",
)
_SIGNALS: Json = {"type": "object", "description": "Observations of the platform; this shop uses none."}
_OPTION = _object({"name": _text("", 200), "label": _text("", 200)}, "name", "label")


def _catalog(properties: Json, *required: str) -> Json:
    shared = {"context": _CONTEXT, "filters": _FILTERS, "signals": _SIGNALS}
    return _object({"meta": _META, "catalog": _object({**properties, **shared}, *required)}, "meta", "catalog")


SEARCH_CATALOG = _catalog(
    {
        "query": _text("What the shopper is looking for, in Chinese or English."),
        "pagination": _object(
            {
                "cursor": _text("Of the page before.", 64),
                "limit": {"type": "integer", "minimum": 1, "description": f"10 if absent, at most {MOST_PER_PAGE}."},
            }
        ),
    }
)
LOOKUP_CATALOG = _catalog(
    {"ids": {**_texts("Identifiers of products or variants.", MOST_IDS), "minItems": 1}},
    "ids",
)
GET_PRODUCT = _catalog(
    {
        "id": _text("Identifier of a product or of a variant.", _LONGEST_ID),
        "selected": {"type": "array", "items": _OPTION, "maxItems": 20, "description": "Options chosen so far."},
        "preferences": _texts("Names of options, the one to give up last first.", 20, 200),
    },
    "id",
)
SEARCH_SHOP_POLICIES_AND_FAQS = _object(
    {
        "query": {**_text("The question, in Chinese or English."), "minLength": 1},
        "context": _text("What the shopper is about; a hint."),
        "language": _text("Preferred language, such as en or zh-Hans.", 35),
    },
    "query",
)
GET_ORDER = _object(
    {
        "meta": _META,
        "id": {**_text("The order's number.", _LONGEST_ID), "minLength": 1},
        "proof": _object(
            {
                "email": _text("The e-mail address of the order.", 320),
                "phone": _text("The telephone number of the order.", 40),
                "visitor_token": _text("A token that the shop's own server has signed for the shopper.", 2_000),
            },
            description="What shows that the shopper may see the order: its address, its telephone number, or a token.",
        ),
    },
    "meta",
    "id",
)
