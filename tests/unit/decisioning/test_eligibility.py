"""What may be done for whom: each rule alone, on both sides of its boundary."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from zhanggui.catalog.product import Product
from zhanggui.decisioning.action import NO_ACTION, Action, Offer
from zhanggui.decisioning.eligibility import Reach, forbidden
from zhanggui.errors import PredicateError
from zhanggui.money import Money

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EMAIL = Action(offer_id="o", channel="email")
Profiles = Callable[..., pa.Table]


def _offer(**more: Any) -> Offer:
    return Offer(offer_id="o", titles={"en": "Ten off"}, **more)


def _forbidden(
    table: pa.Table,
    channel: Reach,
    *actions: Action,
    offer: Offer | None = None,
    products: Mapping[str, Product] | None = None,
    personalised: list[bool] | None = None,
) -> dict[str, list[list[bool]]]:
    found = forbidden(
        table,
        actions or (EMAIL,),
        offers={"o": offer or _offer()},
        products=products or {},
        reach={"email": channel},
        personalised=np.array(personalised or [True] * table.num_rows),
        now=NOW,
    )
    return {code: mask.tolist() for code, mask in found.items()}


def test_nothing_forbids_what_everything_allows(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    assert _forbidden(profiles({"a": {}, "b": {}}), reach(2)) == {}


def test_each_rule_forbids_the_customer_that_it_is_about(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    channel = reach(
        5,
        addresses=[None, "b@x.cn", "c@x.cn", "d@x.cn", "d@x.cn"],
        consented=[True, False, True, True, True],
        suppressed=[False, False, True, False, False],
        capped={"cap:all:2/7d": [False, False, False, True, False], "cap:email:1/1d": [True] + [False] * 4},
        same_address=[False, False, False, False, True],
    )
    assert _forbidden(profiles({name: {} for name in "abcde"}), channel) == {
        "no_address": [[True], [False], [False], [False], [False]],
        "no_consent": [[False], [True], [False], [False], [False]],
        "suppressed": [[False], [False], [True], [False], [False]],
        "cap:all:2/7d": [[False], [False], [False], [True], [False]],
        "cap:email:1/1d": [[True], [False], [False], [False], [False]],
        "same_address": [[False], [False], [False], [False], [True]],
    }


def test_doing_nothing_is_never_forbidden(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    found = _forbidden(profiles({"a": {}}), reach(1, consented=[False]), NO_ACTION, EMAIL)
    assert found == {"no_consent": [[False, True]]}


def test_a_rule_of_one_channel_leaves_the_other_alone(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    sms = Action(offer_id="o", channel="sms")
    found = forbidden(
        profiles({"a": {}}),
        [EMAIL, sms],
        offers={"o": _offer()},
        products={},
        reach={"email": reach(1), "sms": reach(1, suppressed=[True])},
        personalised=np.array([True]),
        now=NOW,
    )
    assert {code: mask.tolist() for code, mask in found.items()} == {"suppressed": [[False, True]]}


@pytest.mark.parametrize(
    ("dates", "valid"),
    [
        ({}, True),
        ({"valid_from": NOW}, True),
        ({"valid_from": NOW + SECOND}, False),
        ({"valid_until": NOW + SECOND}, True),
        ({"valid_until": NOW}, False),
        ({"valid_until": NOW - SECOND}, False),
        ({"valid_from": NOW - SECOND, "valid_until": NOW + SECOND}, True),
    ],
)
def test_an_offer_is_not_made_before_it_begins_nor_once_it_has_ended(
    dates: dict[str, datetime], valid: bool, profiles: Profiles, reach: Callable[..., Reach]
) -> None:
    found = _forbidden(profiles({"a": {}}), reach(1), offer=_offer(**dates))
    assert found == ({} if valid else {"offer_not_valid": [[True]]})


def test_what_is_sold_out_or_gone_is_not_advertised(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    def product(product_id: str, stock: int | None) -> Product:
        money = Money(currency="CNY", minor=100)
        return Product(product_id=product_id, titles={"en": "Tea"}, price=money, stock=stock)

    actions = [Action(offer_id="o", product_id=name, channel="email") for name in ("none", "one", "unknown", "gone")]
    shelf = {"none": product("none", 0), "one": product("one", 1), "unknown": product("unknown", None)}
    found = _forbidden(profiles({"a": {}}), reach(1), *actions, products=shelf)
    assert found == {
        "out_of_stock": [[True, False, False, False]],
        "not_in_catalogue": [[False, False, False, True]],
    }


def test_a_message_without_an_offer_has_no_rule_of_offers(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    ended = _offer(valid_until=NOW)
    assert _forbidden(profiles({"a": {}}), reach(1), Action(channel="email"), offer=ended) == {}


def test_an_offer_by_profile_is_for_whom_it_says_and_for_nobody_who_refused(
    profiles: Profiles, reach: Callable[..., Reach]
) -> None:
    table = profiles({"a": {"orders": 2}, "b": {"orders": 3}, "c": {"orders": 3}, "d": {"orders": 2}})
    found = _forbidden(
        table, reach(4), EMAIL, EMAIL, offer=_offer(eligibility="orders >= 3"), personalised=[True, True, False, False]
    )
    assert found == {
        "offer_not_for_her": [[True, True], [False, False], [False, False], [False, False]],
        "personalisation_refused": [[False, False], [False, False], [True, True], [True, True]],
    }


def test_a_wrong_predicate_of_an_offer_is_an_error(profiles: Profiles, reach: Callable[..., Reach]) -> None:
    with pytest.raises(PredicateError):
        _forbidden(profiles({"a": {}}), reach(1), offer=_offer(eligibility="no_such_column == 1"))
