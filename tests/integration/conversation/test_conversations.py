"""`engine.conversations`: turns answered once, people who take over, what changed meanwhile, persons and time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from zhanggui.engine import Engine
from zhanggui.errors import AccessError, ConversationError, NotFoundError
from zhanggui.testing import FixedClock


def begin(shop: Engine, customer_id: str = "") -> str:
    token = shop.service.sign_visitor(customer_id) if customer_id else ""
    return shop.conversations.start(visitor_token=token, seed="s").conversation_id


def test_the_same_turn_posted_twice_is_answered_once(shop: Engine) -> None:
    talk = begin(shop)
    first = shop.conversations.turn(talk, "do you have a frying pan?", key="k1")
    assert shop.conversations.turn(talk, "do you have a frying pan?", key="k1") == first
    assert len(shop.conversations.turns(talk)) == 1
    with pytest.raises(ConversationError, match="another turn had this key"):
        shop.conversations.turn(talk, "do you have socks?", key="k1")


def test_turns_posted_at_once_are_answered_one_after_the_other_each_once(shop: Engine) -> None:
    talk = begin(shop)
    texts = [f"do you have a frying pan? {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda text: shop.conversations.turn(talk, text, key=text), texts * 2))
    assert sorted(one.number for one in answers) == sorted([*range(1, 7)] * 2)
    assert [turn.number for turn in shop.conversations.turns(talk)] == [1, 2, 3, 4, 5, 6]
    assert shop.conversations.state(talk).turn == 6


@pytest.mark.parametrize("words", ["ok, show me some tea", "好的，看看茶叶"])
def test_an_ok_before_another_wish_is_no_yes_to_what_waits(shop: Engine, words: str) -> None:
    talk = begin(shop, "customer-tom")
    assert "confirm" in shop.conversations.turn(talk, "please cancel order ZG200201").acts
    assert "recommend" in shop.conversations.turn(talk, words).acts
    assert shop.service.find_order("ZG200201")[0].state == "pending"


def test_a_yes_said_by_two_at_once_is_carried_out_once(shop: Engine) -> None:
    talk = begin(shop, "customer-tom")
    shop.conversations.turn(talk, "please cancel order ZG200201")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda key: shop.conversations.turn(talk, "yes", key=key), ("a", "b")))
    done = [action for action in shop.service.actions("ZG200201") if action.outcome == "done"]
    assert len(done) == 1
    assert shop.service.find_order("ZG200201")[0].state == "cancelled"


def test_why_names_every_change_and_its_reason(shop: Engine) -> None:
    talk = begin(shop)
    shop.conversations.turn(talk, "scarves, but not silk")
    reasons = {change.field: change.reason for change in shop.conversations.why(talk)}
    assert "silk" in reasons["unwanted"]
    assert all(reasons.values())


def test_a_price_that_changes_meanwhile_is_said(shop: Engine) -> None:
    talk = begin(shop)
    assert "¥88" in shop.conversations.turn(talk, "do you have an apron?").answer
    row = {"product_id": "kitchen-07", "title_en": "Linen apron", "title_zh": "亚麻围裙", "category": "Kitchen"}
    row |= {"url": "https://shop.example.com/products/kitchen-07", "stock": 47, "attributes": {"material": "linen"}}
    shop.catalog.put([row | {"price": "95"}])
    answer = shop.conversations.turn(talk, "is it in stock?")
    assert answer.acts[0] == "notice"
    assert "¥95" in answer.answer
    assert "notice" not in shop.conversations.turn(talk, "how much is it?").acts
    shop.catalog.put([row | {"price": "88"}])


def test_a_page_that_changes_after_it_was_cited_is_said(shop: Engine) -> None:
    talk = begin(shop)
    cited = shop.conversations.turn(talk, "What's your return policy?")
    (source,) = cited.sources
    page = shop.service.pages.folder / f"{source.partition('#')[0]}.en.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before + "\nNew from today on.\n", encoding="utf-8")
    assert "notice" in shop.conversations.turn(talk, "ok, do you have a frying pan?").acts
    assert "notice" not in shop.conversations.turn(talk, "do you have a teapot?").acts
    page.write_text(before, encoding="utf-8")


PONCHOS = [
    ("poncho-dear", "Rain poncho", "雨披", [("red", "M", 260, 5), ("red", "L", 150, 5), ("blue", "M", 150, 5)]),
    ("poncho-gone", "Hooded rain poncho", "连帽雨披", [("red", "M", 150, 0), ("red", "L", 150, 5)]),
    ("poncho-fits", "Long rain poncho", "长雨披", [("red", "M", 180, 5), ("blue", "M", 120, 5)]),
]


@pytest.fixture
def ponchos(shop: Engine) -> Iterator[None]:
    """Ponchos of which one comes in red, in M, for less than 200."""
    rows = [
        {
            "product_id": product_id,
            "title_en": en,
            "title_zh": zh,
            "category": "Clothing",
            "price": str(min(price for _, _, price, _ in variants)),
            "variants": [
                {
                    "variant_id": f"{product_id}-{colour}-{size}",
                    "options": {"colour": colour, "size": size},
                    "price": str(price),
                    "stock": stock,
                }
                for colour, size, price, stock in variants
            ],
        }
        for product_id, en, zh, variants in PONCHOS
    ]
    assert shop.catalog.put(rows).errors == ()
    yield
    shop.catalog.put([{"product_id": row["product_id"], "deleted": True} for row in rows])


@pytest.mark.usefixtures("ponchos")
@pytest.mark.parametrize(
    ("asks", "title", "dearer"),
    [
        (
            "a red rain poncho in size M under 200",
            "Long rain poncho (red, M), ¥180, in stock",
            "how much is it in blue?",
        ),
        ("红色M码的雨披，200以内", "长雨披（红色、中），¥180，有货", "蓝色的多少钱"),
    ],
)
def test_what_is_said_of_a_product_is_true_of_one_variant(shop: Engine, asks: str, title: str, dearer: str) -> None:
    talk = begin(shop)
    answer = shop.conversations.turn(talk, asks).answer
    assert title in answer
    assert "¥150，有货" not in answer
    assert "¥150, in stock" not in answer
    assert "¥260" not in answer
    told = shop.conversations.turn(talk, dearer)
    assert "¥120" in told.answer
    assert "notice" not in told.acts


@pytest.mark.usefixtures("ponchos")
def test_the_price_that_changes_is_that_of_the_variant_that_was_told(shop: Engine) -> None:
    talk = begin(shop)
    assert "¥260" in shop.conversations.turn(talk, "a red rain poncho in size M over 200").answer
    row = {
        "product_id": "poncho-dear",
        "title_en": "Rain poncho",
        "title_zh": "雨披",
        "category": "Clothing",
        "price": "150",
    }
    red = {"variant_id": "poncho-dear-red-M", "options": {"colour": "red", "size": "M"}, "price": "270", "stock": 5}
    blue = {"variant_id": "poncho-dear-blue-M", "options": {"colour": "blue", "size": "M"}, "price": "150", "stock": 5}
    shop.catalog.put([row | {"variants": [red, blue]}])
    answer = shop.conversations.turn(talk, "is it in stock?")
    assert answer.acts[0] == "notice"
    assert "¥270" in answer.answer


def test_a_product_that_is_gone_is_not_spoken_of_any_more(shop: Engine) -> None:
    shop.catalog.put(
        [{"product_id": "gone-1", "title_en": "Umbrella stand", "category": "Home textiles", "price": "10"}]
    )
    talk = begin(shop)
    assert [one["product_id"] for one in shop.conversations.turn(talk, "do you have an umbrella stand?").products] == [
        "gone-1"
    ]
    shop.catalog.put([{"product_id": "gone-1", "deleted": True}])
    answer = shop.conversations.turn(talk, "how much is it?")
    assert answer.acts[0] == "notice"
    assert "¥10" not in answer.answer


def test_an_aspect_that_the_ontology_loses_is_dropped_with_a_reason(shop: Engine) -> None:
    shop.catalog.put([{"product_id": "odd-1", "title_en": "Odd lamp", "price": "10", "attributes": {"mood": "gloomy"}}])
    talk = begin(shop)
    shop.conversations.turn(talk, "do you have socks?")
    before = shop.conversations.state(talk).ontology
    shop.catalog.put([{"product_id": "odd-1", "deleted": True}])
    shop.conversations.turn(talk, "in cotton please")
    state = shop.conversations.state(talk)
    assert state.ontology != before
    assert [one for one in shop.conversations.why(talk) if one.field == "ontology"][-1].reason


def test_a_person_takes_over_is_not_talked_over_and_gives_back(shop: Engine) -> None:
    talk = begin(shop)
    assert shop.conversations.turn(talk, "can I talk to a real person").with_person
    assert talk in [one.conversation_id for one in shop.conversations.inbox()]
    assert shop.conversations.turn(talk, "hello?").answer
    shop.conversations.reply_as_person(talk, "Hello, this is Li.", key="p1")
    shop.conversations.reply_as_person(talk, "Hello, this is Li.", key="p1")
    assert shop.conversations.turn(talk, "do you have socks?").answer == ""
    shop.conversations.hand_back(talk)
    assert talk not in [one.conversation_id for one in shop.conversations.inbox()]
    assert "recommend" in shop.conversations.turn(talk, "do you have socks?").acts
    assert [turn.author for turn in shop.conversations.turns(talk)].count("person") == 2


def test_what_was_shown_is_logged_with_its_propensity_and_orders_are_attributed(shop: Engine) -> None:
    talk = begin(shop, "customer-mei")
    shown = shop.conversations.turn(talk, "do you have a frying pan?").products
    clock = shop.clock
    assert isinstance(clock, FixedClock)
    clock.advance(timedelta(hours=1))
    item = {"product_id": "kitchen-01", "price": 189, "quantity": 1}
    event = {"type": "track", "event": "Order Completed", "userId": "customer-mei", "messageId": "after-talk"}
    event |= {
        "timestamp": clock().isoformat(),
        "properties": {"order_id": "AT1", "revenue": 189, "currency": "CNY", "products": [item]},
    }
    shop.events.collect({"batch": [event]})
    clock.advance(timedelta(hours=1))
    mine = [one for one in shop.conversations.attribute() if one.impression.conversation_id == talk]
    assert [one.impression.shown for one in mine] == [card["product_id"] for card in shown]
    assert {(one.impression.propensity, one.orders, one.revenue_minor, one.mature) for one in mine} == {
        (1.0, 1, 18900, False)
    }


def test_a_person_reads_and_erases_the_own_conversations(shop: Engine) -> None:
    talk, other = begin(shop, "customer-new"), begin(shop)
    shop.conversations.turn(talk, "do you have socks?")
    (exported,) = shop.conversations.export("customer-new")
    assert [turn["said"] for turn in exported.turns] == ["do you have socks?"]
    assert shop.conversations.erase("customer-new") == 1
    with pytest.raises(NotFoundError):
        shop.conversations.get(talk)
    shop.conversations.erase_conversation(other)
    with pytest.raises(NotFoundError):
        shop.conversations.state(other)


def test_conversations_are_deleted_when_their_time_has_passed(shop: Engine) -> None:
    talk, clock = begin(shop), shop.clock
    assert isinstance(clock, FixedClock)
    before = clock.now
    clock.advance(timedelta(days=179))
    later = begin(shop)
    clock.advance(timedelta(days=2))
    assert shop.conversations.prune() >= 1
    with pytest.raises(NotFoundError):
        shop.conversations.get(talk)
    assert shop.conversations.get(later)
    clock.now = before


def test_a_forged_visitor_token_begins_no_conversation(shop: Engine) -> None:
    with pytest.raises(AccessError):
        shop.conversations.start(visitor_token="e30.e30.x")


def test_the_order_that_is_meant_is_the_one_that_holds_what_was_named(shop: Engine) -> None:
    talk = begin(shop, "customer-mei")
    listed = shop.conversations.turn(talk, "我有哪些订单").answer
    assert "ZG100102" in listed
    assert "ZG100104" in listed
    assert "ZG100102" in shop.conversations.turn(talk, "我想取消亚麻衬衫那单").answer
    assert shop.conversations.state(talk).request["order_id"] == "ZG100102"
    assert shop.conversations.turn(talk, "算了").acts == ("dropped",)


def test_nobody_gets_stuck_in_a_search_that_finds_nothing(shop: Engine) -> None:
    talk = begin(shop)
    assert shop.conversations.turn(talk, "do you have wireless headphones?").acts[1:] == (
        "inform_none",
        "offer_choices",
    )
    assert "recommend" in shop.conversations.turn(talk, "tea then").acts


def test_there_is_no_second_of_one(shop: Engine) -> None:
    talk = begin(shop)
    shop.conversations.turn(talk, "do you have an apron?")
    assert shop.conversations.turn(talk, "how much is the second one?").acts == ("clarify",)


def test_what_a_person_has_to_settle_is_given_to_one(shop: Engine) -> None:
    talk = begin(shop, "customer-mei")
    answer = shop.conversations.turn(talk, "我想换货，ZG100103的抱枕套换大一号")
    if "hand_over" not in answer.acts:
        answer = shop.conversations.turn(talk, "都不是，要别的")
    assert "hand_over" in answer.acts
    assert shop.conversations.state(talk).with_person
    assert talk in [one.conversation_id for one in shop.conversations.inbox()]
    assert shop.conversations.turn(talk, "在吗").acts == ("wait",)
