"""A small bilingual shop: 60 products, 500 customers, and a response model whose truth is known, so that tests can check.

Everything follows from the seed and the moment. Knows no engine.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zlib import crc32

CATEGORIES = {
    "Tea": "茶叶",
    "Ceramics": "陶瓷器",
    "Clothing": "服饰",
    "Home textiles": "家纺",
    "Stationery": "文具",
    "Kitchen": "厨房用品",
}
CUSTOMERS = 500
DAYS = 180
_NAMES = {
    "zh": ("思远", "雨桐", "佳怡", "子涵", "明轩", "晓琳", "文博", "静怡", "浩然", "欣妍"),
    "en": ("Alex", "Grace", "Noah", "Emma", "Liam", "Olivia", "Ethan", "Mia", "Lucas", "Zoe"),
}
_CITIES = {"zh": ("上海", "杭州", "成都", "广州", "北京", "武汉"), "en": ("Singapore", "Sydney", "London", "Toronto")}
_ZONES = {
    "Singapore": "Asia/Singapore",
    "Sydney": "Australia/Sydney",
    "London": "Europe/London",
    "Toronto": "America/Toronto",
}
_AGREED = {
    "zh": "我同意接收小掌柜的优惠与新品邮件，可随时退订。",
    "en": "I agree to e-mails about news and offers; I can leave any time.",
}


@dataclass(frozen=True, kw_only=True)
class SampleShop:
    """The files that were written, how much is in them, and the truth behind them."""

    products: Path
    events: Path
    consents: Path
    orders: Path
    campaign: Path
    counts: Mapping[str, int]
    model: "ResponseModel"


@dataclass(frozen=True, kw_only=True)
class ResponseModel:
    """The truth: how likely a customer is to buy within 14 days, with and without a message.

    A message adds `effect`, and `match` more when it is about her favourite category; those in `sleeping` it annoys.
    """

    base: Mapping[str, float]
    favourite: Mapping[str, str]
    sleeping: frozenset[str]
    effect: float = 0.06
    match: float = 0.14
    harm: float = 0.03

    def probability(self, customer_id: str, category: str | None) -> float:
        """Of an order within 14 days of a message about `category` (None: no message)."""
        base = self.base[customer_id]
        if category is None:
            return base
        if customer_id in self.sleeping:
            return max(0.0, base - self.harm)
        return min(1.0, base + self.effect + (self.match if self.favourite[customer_id] == category else 0.0))

    def respond(
        self, treatments: Mapping[str, str | None], *, at: datetime, rng: random.Random
    ) -> Iterable[dict[str, Any]]:
        """Segment messages of what each customer does after `at`, given the category written about (None: nothing)."""
        for customer_id, category in treatments.items():
            if rng.random() < self.probability(customer_id, category):
                moment = at + timedelta(days=rng.uniform(0.1, 13.5))
                about = category if category and rng.random() < 0.7 else self.favourite[customer_id]
                yield _order(customer_id, [_pick(about, rng)], moment, f"answer-{customer_id}-{at:%Y%m%d%H}")


@dataclass(kw_only=True)
class _Person:
    customer_id: str
    language: str
    city: str
    name: str
    favourite: str
    rhythm: float
    joined: float
    quits: float
    said: list[dict[str, Any]] = field(default_factory=list)


def write_sample(folder: Path, *, seed: int = 7, until: datetime) -> SampleShop:
    """Write the shop's files into `folder`; its history of 180 days ends at `until`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)  # noqa: S311 - a seeded simulation
    people = [_person(number, rng) for number in range(1, CUSTOMERS + 1)]
    end = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    events = [event for person in people for event in _history(person, end, rng)]
    events.sort(key=lambda one: (one["timestamp"], one["messageId"]))
    consents = [row for person in people for row in _consents(person, end, rng)]
    model = ResponseModel(
        base={one.customer_id: min(0.5, 3.0 / (one.rhythm + 5)) for one in people},
        favourite={one.customer_id: one.favourite for one in people},
        sleeping=frozenset(one.customer_id for one in people if rng.random() < 0.1),
    )
    shop = SampleShop(
        products=folder / "products.jsonl",
        events=folder / "events.jsonl",
        consents=folder / "consents.jsonl",
        orders=folder / "orders.jsonl",
        campaign=folder / "welcome-back.toml",
        model=model,
        counts={
            "products": len(_products()),
            "customers": len(people),
            "events": len(events),
            "consents": len(consents),
        },
    )
    _write(shop.products, _products())
    _write(shop.events, events)
    _write(shop.consents, consents)
    _write(shop.orders, _order_rows(events, people, end))
    shop.campaign.write_text(_CAMPAIGN, encoding="utf-8")
    return shop


def _person(number: int, rng: random.Random) -> _Person:
    language = "zh" if rng.random() < 0.66 else "en"
    return _Person(
        customer_id=f"customer-{number:03d}",
        language=language,
        city=rng.choice(_CITIES[language]),
        name=rng.choice(_NAMES[language]),
        favourite=rng.choice(list(CATEGORIES)),
        rhythm=rng.choice((9.0, 20.0, 35.0, 60.0, 120.0)),
        joined=rng.uniform(5, DAYS),
        quits=rng.choice((0.0, 0.0, 0.0, 40.0, 100.0)),
    )


def _history(person: _Person, end: datetime, rng: random.Random) -> Iterable[dict[str, Any]]:
    start = end - timedelta(days=person.joined)
    traits = {
        "email": f"{person.customer_id}@example.com",
        "firstName": person.name,
        "city": person.city,
        "locale": "zh-CN" if person.language == "zh" else "en",
        "points": rng.randrange(0, 2000, 10),
        "timezone": _ZONES.get(person.city, "Asia/Shanghai"),
    }
    yield {
        "type": "identify",
        "messageId": f"hello-{person.customer_id}",
        "userId": person.customer_id,
        "anonymousId": f"visitor-{person.customer_id}",
        "traits": traits,
        "timestamp": _iso(start),
    }
    moment, last, number = start, end - timedelta(days=person.quits), 0
    while (moment := moment + timedelta(days=rng.expovariate(1 / person.rhythm))) < last:
        number += 1
        about = person.favourite if rng.random() < 0.6 else rng.choice(list(CATEGORIES))
        product = _pick(about, rng)
        for step, (name, hours) in enumerate((("Product Viewed", 3.0), ("Product Added", 1.0))):
            if rng.random() < 0.8:
                yield _seen(person, product, name, moment - timedelta(hours=hours), f"{number}-{step}")
        if rng.random() < 0.7:
            bought = [product] + [_pick(rng.choice(list(CATEGORIES)), rng) for _ in range(rng.randrange(0, 3))]
            yield _order(person.customer_id, bought, moment, f"order-{person.customer_id}-{number}")


def _consents(person: _Person, end: datetime, rng: random.Random) -> Iterable[dict[str, Any]]:
    at = _iso(end - timedelta(days=person.joined - 0.01))
    shared = {
        "customer_id": person.customer_id,
        "at": at,
        "how": "注册页" if person.language == "zh" else "sign-up form",
    }
    if rng.random() < 0.85:
        yield {**shared, "channel": "email", "purpose": "marketing", "granted": True, "text": _AGREED[person.language]}
    if rng.random() < 0.06:
        yield {**shared, "channel": "*", "purpose": "personalisation", "granted": False, "text": ""}


def _seen(person: _Person, product: Mapping[str, Any], name: str, at: datetime, key: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": person.customer_id,
        "timestamp": _iso(at),
        "messageId": f"{name.split()[1].lower()}-{person.customer_id}-{key}",
        "properties": {**_item(product), "currency": "CNY"},
    }


def _order(customer_id: str, products: Iterable[Mapping[str, Any]], at: datetime, key: str) -> dict[str, Any]:
    items = [_item(one) for one in products]
    total = round(sum(float(one["price"]) * one["quantity"] for one in items), 2)
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": customer_id,
        "timestamp": _iso(at),
        "messageId": key,
        "properties": {"order_id": key, "revenue": total, "currency": "CNY", "products": items},
    }


def _order_rows(
    events: Iterable[Mapping[str, Any]], people: Iterable[_Person], end: datetime
) -> Iterable[dict[str, Any]]:
    by_id = {person.customer_id: person for person in people}
    for event in events:
        if event.get("event") == "Order Completed":
            yield _order_row(event, by_id[event["userId"]], end)


def _order_row(event: Mapping[str, Any], person: _Person, end: datetime) -> dict[str, Any]:
    """What the shop's own system adds to an order: its address, sent a day after it was placed, delivered three days later."""
    placed = datetime.fromisoformat(event["timestamp"])
    sent, delivered = placed + timedelta(days=1), placed + timedelta(days=4)
    number = crc32(event["messageId"].encode())
    street = f"西湖路 {number % 200 + 1} 号" if person.language == "zh" else f"{number % 200 + 1} Lake Road"
    row = {
        "order_id": event["properties"]["order_id"],
        "address": {"name": person.name, "street": street, "city": person.city},
        "state": "pending",
        "placed_at": event["timestamp"],
        "updated_at": event["timestamp"],
    }
    if end < sent:
        return row
    state, moment = ("delivered", delivered) if delivered <= end else ("shipped", sent)
    parcel = {"carrier": "顺丰" if person.language == "zh" else "DHL", "tracking": f"SF{number:010d}"}
    return {**row, "state": state, "updated_at": _iso(moment), "shipments": [parcel]}


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "product_id": product["product_id"],
        "category": product["category"],
        "price": float(product["price"]),
        "quantity": 1,
    }


def _pick(category: str, rng: random.Random) -> Mapping[str, Any]:
    return rng.choice([one for one in _products() if one["category"] == category])


@cache
def _products() -> list[dict[str, Any]]:
    text = (files("zhanggui.shops") / "data" / "sample_products.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


_CAMPAIGN = """# Who has not been here for a while hears about what she likes, in her language; every tenth is held out.
name = "welcome-back"
title = { en = "Welcome back", zh = "欢迎回来" }
channels = ["email"]
audience = 'orders >= 1'
policy = "linear"
holdout = 0.1
tone = "warm"

[[offers]]
id = "tea-10"
title = { en = "10% off tea", zh = "茶叶九折" }
percent = 10
coupon = "TEA10"
products = ["tea-03"]

[[offers]]
id = "ceramics-10"
title = { en = "10% off ceramics", zh = "陶瓷器九折" }
percent = 10
coupon = "CUP10"
products = ["ceramics-06"]

[[offers]]
id = "clothing-20"
title = { en = "¥20 off clothing", zh = "服饰立减20元" }
amount = 20
coupon = "WEAR20"
products = ["clothing-01"]
who = 'category_affinity("Clothing") > 0.1'

[[offers]]
id = "home-news"
title = { en = "New in home textiles", zh = "家纺上新" }
products = ["home-04"]

[[offers]]
id = "stationery-10"
title = { en = "10% off stationery", zh = "文具九折" }
percent = 10
coupon = "PEN10"
products = ["stationery-01"]

[[offers]]
id = "kitchen-10"
title = { en = "10% off kitchen things", zh = "厨房用品九折" }
percent = 10
coupon = "COOK10"
products = ["kitchen-05"]
"""
