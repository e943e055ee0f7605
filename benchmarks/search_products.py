"""50,000 bilingual products made from `search_facts.toml`: what each one is, and what its seller wrote about it.

A product states each of its facts somewhere, in words of the seller's choice: in a title, an attribute or a description,
often in one language only. Descriptions also name what the product is not: what goes with it, what else there is.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from zhanggui.catalog import Language, Product
from zhanggui.money import Money

_FACTS = Path(__file__).with_name("search_facts.toml")
_NAMES = {
    "colour": ("Colour", "颜色"),
    "material": ("Material", "材质"),
    "feature": ("Features", "功能"),
    "audience": ("For", "适用人群"),
    "style": ("Style", "款式"),
    "flavour": ("Flavour", "口味"),
    "origin": ("Origin", "产地"),
    "size": ("Size", "尺码"),
    "capacity": ("Capacity", "规格"),
    "brand": ("Brand", "品牌"),
}
_PRAISE = {
    "en": ["New arrival", "Bestseller", "2026", "Everyday", "Premium", "Classic", "Limited"],
    "zh": ["新款", "爆款", "2026", "家用", "高档", "经典", "限量", "网红"],
}
_SENTENCES = {
    "en": [
        "Made for daily use and easy to care for.",
        "A good gift for friends and family.",
        "Goes well with our {other}.",
        "If you need {other}, see our other listings.",
        "Also available in {colour}.",
        "Unlike {material}, it ages gracefully.",
        "Ships within 48 hours, free returns for 30 days.",
        "Customers who bought it also liked our {other} in {colour}.",
    ],
    "zh": [
        "日常使用方便，好打理。",
        "送朋友送家人都合适。",
        "搭配本店的{other}更好用。",
        "需要{other}的顾客请看本店其他商品。",
        "另有{colour}可选。",
        "比{material}更耐用。",
        "48小时内发货，30天无忧退换。",
        "买过的顾客还喜欢{colour}的{other}。",
    ],
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A product and what it is, fact by fact, whatever words its seller took."""

    product: Product
    kind: str
    facts: Mapping[str, tuple[str, ...]]


@cache
def facts() -> dict[str, Any]:
    """The tables of `search_facts.toml`."""
    return tomllib.loads(_FACTS.read_text(encoding="utf-8"))


def make(count: int, *, seed: int = 17) -> Iterator[Made]:
    """The first `count` products of a seed: of fewer, the same ones."""
    kinds = facts()["kind"]
    chance = random.Random(seed)
    weights = {kind: chance.uniform(0.5, 2.0) for kind in kinds}
    for number in range(count):
        kind = chance.choices(list(weights), weights=list(weights.values()))[0]
        yield _product(number, kind, kinds[kind], random.Random(f"{seed}:{number}"))


def _product(number: int, kind: str, can_be: Mapping[str, Any], chance: random.Random) -> Made:
    held = _facts_of(can_be, chance)
    brand_en, brand_zh = chance.choice(facts()["brands"][can_be["brands"]])
    titles: dict[Language, str] = {}
    descriptions: dict[Language, str] = {}
    unsaid = set(held)
    for language, brand in (("en", brand_en), ("zh", brand_zh)):
        in_title = {aspect for aspect in held if chance.random() < (0.55 if aspect != "size" else 0.25)}
        shown_brand = brand if chance.random() < 0.75 else ""
        titles[language] = _title(language, can_be, held, in_title, shown_brand, chance)
        if chance.random() < 0.85:
            descriptions[language] = _description(language, kind, held, in_title, chance)
            unsaid -= set(held) - in_title  # what the title left out, the description says
        unsaid -= in_title
    attributes = _attributes(held, unsaid, brand_en, brand_zh, can_be, chance)
    price = chance.randint(can_be["price"][0], can_be["price"][1]) * 100 - chance.choice((0, 10, 100))
    on_sale = chance.random() < 0.2
    return Made(
        kind=kind,
        facts=held | {"brand": (brand_en,)},
        product=Product(
            product_id=f"p{number:06}",
            titles=titles,
            descriptions=descriptions,
            brand=chance.choice((brand_en, brand_zh)),
            category=can_be["in"] if chance.random() < 0.2 else f"{can_be['in']} > {can_be['en'][0].capitalize()}",
            attributes=attributes,
            price=Money(currency="CNY", minor=price),
            sale_price=Money(currency="CNY", minor=price * chance.randint(60, 95) // 100) if on_sale else None,
            stock=0 if chance.random() < 0.08 else chance.randint(1, 400),
        ),
    )


def _facts_of(can_be: Mapping[str, Any], chance: random.Random) -> dict[str, tuple[str, ...]]:
    held: dict[str, tuple[str, ...]] = {}
    for aspect in _NAMES:
        values = list(facts()["colour"]) if can_be.get(aspect) == "*" else can_be.get(aspect, [])
        if aspect == "colour" and len(values) > 9:
            values = values[:-1]  # gold things say so
        if aspect == "feature" and values:
            held[aspect] = tuple(chance.sample(values, chance.randint(1, min(2, len(values)))))
        elif values and (aspect not in ("audience", "style", "flavour") or chance.random() < 0.75):
            held[aspect] = (chance.choice(values),)
    return held


def _words(aspect: str, value: str, language: str, chance: random.Random) -> str:
    known = facts().get(aspect, {}).get(value)
    return chance.choice(known[language]) if known else value


def _title(
    language: Language,
    can_be: Mapping[str, Any],
    held: Mapping[str, tuple[str, ...]],
    in_title: set[str],
    brand: str,
    chance: random.Random,
) -> str:
    said = {
        aspect: [_words(aspect, value, language, chance) for value in held[aspect]]
        for aspect in ("audience", "feature", "style", "material", "flavour", "origin", "colour", "size", "capacity")
        if aspect in in_title
    }
    tail = [word for aspect in ("colour", "size", "capacity") for word in said.pop(aspect, [])]
    front = [word for words in said.values() for word in words]
    chance.shuffle(front)
    praise = chance.choice(_PRAISE[language]) if chance.random() < 0.5 else ""
    name = chance.choice(can_be[language])
    if language == "zh":
        return "".join([brand, " " if brand else "", praise, *front, name]) + "".join(f" {word}" for word in tail)
    body = " ".join(part for part in (brand, praise, *front, name) if part)
    return ", ".join([body[0].upper() + body[1:], *tail])


def _description(
    language: Language, kind: str, held: Mapping[str, tuple[str, ...]], in_title: set[str], chance: random.Random
) -> str:
    kinds = facts()["kind"]
    other = kinds[chance.choice([name for name in kinds if name != kind])][language][0]
    colour = _words("colour", chance.choice(list(facts()["colour"])), language, chance)
    material = _words("material", chance.choice(list(facts()["material"])), language, chance)
    told = [
        _words(aspect, value, language, chance) for aspect in held if aspect not in in_title for value in held[aspect]
    ]
    sentences = chance.sample(_SENTENCES[language], 3)
    if told:
        sentences.insert(0, "，".join(told) + "。" if language == "zh" else ", ".join(told).capitalize() + ".")
    joint = "" if language == "zh" else " "
    return joint.join(sentences).format(other=other, colour=colour, material=material)


def _attributes(
    held: Mapping[str, tuple[str, ...]],
    unsaid: set[str],
    brand_en: str,
    brand_zh: str,
    can_be: Mapping[str, Any],
    chance: random.Random,
) -> dict[str, str]:
    """In the language of the seller's system; whatever no text says is here."""
    spoken = chance.choice(("en", "zh"))
    attributes = {_NAMES["brand"][spoken == "zh"]: brand_zh if spoken == "zh" else brand_en}
    if chance.random() < 0.4:
        attributes["品类"] = chance.choice(can_be["zh"])
    for aspect, values in held.items():
        if aspect in unsaid or chance.random() < 0.7:
            said = [_words(aspect, value, spoken, chance) for value in values]
            attributes[_NAMES[aspect][spoken == "zh"]] = ", ".join(said)
    return attributes
