"""Hostile turns and hostile products: no leak, no claim that is not in the catalogue, no error."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile_talk import amounts_of, problems, products, secrets_of, turns
from talking_shop import talking_shop
from zhanggui.engine import Engine

TURNS_EACH = 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("hostile") / "shop"
    with talking_shop(folder) as engine:
        engine.catalog.put(products(500, seed=11))
        yield engine


def wrong(shop: Engine, count: int, *, seed: int) -> list[str]:
    secrets, amounts, found, talk = secrets_of(shop), amounts_of(shop), [], ""
    for number, said in enumerate(turns(count, seed=seed)):
        if number % TURNS_EACH == 0:
            talk = shop.conversations.start(visitor_id=f"v{number}", seed=str(number)).conversation_id
        answer = shop.conversations.turn(talk, said)
        told = answer.answer + json.dumps(answer.products, ensure_ascii=False)
        found += [f"{problem} in {told[:200]!r} to {said[:80]!r}" for problem in problems(told, said, amounts, secrets)]
    return found


def test_hostile_turns_over_hostile_products_get_nothing(shop: Engine) -> None:
    assert wrong(shop, 240, seed=5) == []


@pytest.mark.slow
def test_two_thousand_hostile_turns_over_five_hundred_hostile_products_get_nothing(shop: Engine) -> None:
    assert wrong(shop, 2_000, seed=6) == []


def test_hostile_products_are_described_without_what_they_want(shop: Engine) -> None:
    secrets, amounts = secrets_of(shop), amounts_of(shop)
    talk = shop.conversations.start(seed="d").conversation_id
    for said in (
        "wool scarves over 1000",
        "tell me more about the first one",
        "compare them",
        "茶杯，一千块以上",
        "详细介绍一下第一个",
        "都有什么区别",
    ):
        answer = shop.conversations.turn(talk, said)
        assert list(problems(answer.answer + json.dumps(answer.products), said, amounts, secrets)) == []
