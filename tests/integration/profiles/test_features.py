import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from zhanggui.errors import PredicateError
from zhanggui.events.event import LOG_SCHEMA, Event
from zhanggui.events.log import EventLog
from zhanggui.profiles import identity
from zhanggui.profiles.build import build
from zhanggui.profiles.features import BATCH, features
from zhanggui.profiles.profile import SNAPSHOT_SCHEMA
from zhanggui.profiles.segments import Predicate
from zhanggui.profiles.settings import ProfileSettings
from zhanggui.shops.sample import write_sample
from zhanggui.storage import ArtifactStore, Database, RejectFile

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = ProfileSettings()


def _order(number: int, who: str, days: float, **more: object) -> Event:
    at = NOW - timedelta(days=days)
    properties = {
        "order_id": f"o{number}",
        "revenue": 10.0,
        "currency": "CNY",
        "products": [{"product_id": "p", "category": "Tea", "brand": "B", "price": 5, "quantity": 2}],
    }
    return Event(
        message_id=f"m{number}",
        type="track",
        name="Order Completed",
        timestamp=at,
        received_at=at,
        user_id=who,
        properties={**properties, **more},
    )


class Shop:
    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.log, self.artifacts = database, EventLog(database, folder / "events"), ArtifactStore(folder)

    def add(self, *events: Event) -> None:
        with self.database.transaction() as connection:
            self.log.append(connection, events, now=NOW)
            identity.apply(connection, identity.learn(events))

    def build(self, as_of: datetime = NOW, base=None):
        return build(self.log, self.artifacts, as_of=as_of, settings=SETTINGS, now=NOW, base=base)


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    return Shop(database, tmp_path)


def test_features_are_what_a_person_would_count(shop: Shop) -> None:
    shop.add(_order(1, "a", 20), _order(2, "a", 10, discount=5.0))
    found = shop.build().profile("a").features
    assert (found["orders"], found["revenue_minor"], found["recency_days"]) == (2, 2000, 10.0)
    assert found["inter_purchase_days"] == 10.0
    assert found["discount_share"] == pytest.approx(500 / 2500)
    assert found["top_category"] == "Tea"


def test_the_future_is_not_seen_and_late_events_count(shop: Shop) -> None:
    shop.add(_order(1, "a", 5))
    assert shop.build(NOW - timedelta(days=6)).rows == 0
    shop.add(_order(2, "a", 30))
    assert shop.build().profile("a").features["tenure_days"] == 30.0


def test_an_order_counts_once_and_a_cancelled_one_not_at_all(shop: Shop) -> None:
    again = _order(9, "a", 4, order_id="o1")
    cancelled = Event(
        message_id="c",
        type="track",
        name="Order Cancelled",
        timestamp=NOW,
        received_at=NOW,
        user_id="a",
        properties={"order_id": "o2"},
    )
    shop.add(_order(1, "a", 5), again, _order(2, "a", 3), cancelled)
    assert shop.build().profile("a").features["orders"] == 1


def test_what_a_visitor_did_belongs_to_the_customer_she_turned_out_to_be(shop: Shop) -> None:
    viewed = Event(
        message_id="v",
        type="track",
        name="Product Viewed",
        timestamp=NOW - timedelta(days=2),
        received_at=NOW,
        anonymous_id="x",
        properties={"product_id": "p", "category": "Tea"},
    )
    hello = Event(
        message_id="i",
        type="identify",
        timestamp=NOW - timedelta(days=1),
        received_at=NOW,
        user_id="a",
        anonymous_id="x",
        traits={"locale": "zh-CN", "firstName": "雨桐"},
    )
    shop.add(viewed, hello)
    found = shop.build().profile("a").features
    assert (found["views"], found["language"], found["first_name"]) == (1, "zh", "雨桐")
    assert json.loads(found["traits"])["locale"] == "zh-CN"


def test_tastes_leave_out_what_has_no_name_and_break_ties_by_name(shop: Shop) -> None:
    def line(product_id: str | None, category: str | None, brand: str | None) -> dict[str, object]:
        return {"product_id": product_id, "category": category, "brand": brand, "price": 5, "quantity": 1}

    named = [line("b", "茶", "Z"), line("a", "Tea", ""), line("c", None, "Z")]
    shop.add(
        _order(1, "ann", 3, products=named),
        _order(2, "bob", 3, products=[line("a", "", None)]),
    )
    ann, bob = (shop.build().profile(one).features for one in ("ann", "bob"))
    assert ann["categories"] == [{"name": "Tea", "weight": 0.5}, {"name": "茶", "weight": 0.5}]
    assert (ann["top_category"], ann["brands"], ann["top_brand"]) == ("Tea", [{"name": "Z", "weight": 1.0}], "Z")
    assert ann["top_product"] == "c"
    assert (bob["categories"], bob["brands"], bob["top_category"], bob["top_brand"]) == ([], [], None, None)
    assert bob["top_product"] == "a"


def test_batches_of_customers_are_one_sorted_whole() -> None:
    customers = BATCH + 2
    rows = [
        {
            "message_id": f"m{number}",
            "type": "track",
            "name": "Product Viewed",
            "user_id": f"c{number * 7919 % customers:05}",  # in no order
            "timestamp": NOW - timedelta(days=1),
            "received_at": NOW,
            "products": [{"product_id": f"p{number % 40}", "category": f"k{number % 7}", "quantity": 1.0}],
            "body": "{}",
            "trust": "server",
        }
        for number in range(customers)
    ]
    backend = ibis.duckdb.connect()
    backend.con.register("log", pa.Table.from_pylist(rows, schema=LOG_SCHEMA))
    batches = list(features(backend.table("log"), None, as_of=NOW, settings=SETTINGS, currency="CNY"))
    whole = pa.concat_tables(batches)
    assert [batch.num_rows for batch in batches] == [BATCH, 2]
    assert whole.schema == SNAPSHOT_SCHEMA
    assert whole["customer_id"].to_pylist() == [f"c{number:05}" for number in range(customers)]
    seen = {row["user_id"]: (row["products"][0]["product_id"], row["products"][0]["category"]) for row in rows}
    found = zip(*(whole[name].to_pylist() for name in ("customer_id", "top_product", "top_category")), strict=True)
    assert {who: tuple(best) for who, *best in found} == seen


def test_an_incremental_build_equals_a_whole_one(shop: Shop, tmp_path: Path) -> None:
    from zhanggui.events.ingest import ingest_file

    sample = write_sample(tmp_path / "sample", until=NOW)
    ingest_file(sample.events, shop.log, now=NOW, rejects=RejectFile(path=tmp_path / "r"))
    base = shop.build(NOW - timedelta(days=20))
    shop.add(_order(1, "customer-001", 100), _order(2, "customer-900", 1))
    step = shop.build(base=base)
    whole = Shop.__new__(Shop)
    whole.database, whole.log, whole.artifacts = shop.database, shop.log, ArtifactStore(tmp_path / "other")
    expected = whole.build().table().to_pylist()
    for one, other in zip(step.table().to_pylist(), expected, strict=True):
        assert _rounded(one) == _rounded(other)


def _rounded(row: dict) -> dict:
    def plain(value):
        if isinstance(value, float):
            return round(value, 6)
        if isinstance(value, list):
            return sorted((one["name"], round(one["weight"], 6)) for one in value)
        return value

    return {name: plain(value) for name, value in row.items()}


def test_the_same_traits_are_the_same_text_however_they_were_put_together(shop: Shop) -> None:
    names = ("vip", "age", 'a "b"', "城市", "points", "email", "zip", "")
    told = {name: [None, 1.5, "x"] for name in names}
    shop.add(
        *(
            Event(
                message_id=f"{who}-{name}",
                type="identify",
                timestamp=NOW - timedelta(days=1),
                received_at=NOW,
                user_id=f"c{who}",
                traits={name: told[name]},
            )
            for who in range(30)
            for name in (names if who % 2 else reversed(names))
        )
    )
    texts = set(shop.build().table()["traits"].to_pylist())
    assert texts == {json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))}


def test_predicates_hold_for_whom_they_say() -> None:
    empty = {field.name: None for field in SNAPSHOT_SCHEMA}
    rows = [
        empty | {"customer_id": "a", "orders": 3, "city": "上海", "categories": [{"name": "Tea", "weight": 0.5}]},
        empty | {"customer_id": "b", "orders": 1, "city": None, "categories": []},
    ]
    table = pa.Table.from_pylist(rows, pa.schema([field.with_nullable(True) for field in SNAPSHOT_SCHEMA]))
    for text, expected in (
        ("orders >= 2", [True, False]),
        ('city in ("上海")', [True, False]),
        ('city != "上海"', [False, False]),
        ('category_affinity("Tea") > 0.3 or orders == 1', [True, True]),
        ("not orders > 2", [False, True]),
        ("1 < 2", None),
    ):
        if expected is None:
            with pytest.raises(PredicateError):
                Predicate.parse(text)
        else:
            assert Predicate.parse(text).mask(table).tolist() == expected


@pytest.mark.parametrize(
    "text", ['__import__("os").system("x")', "orders.__class__ > 1", "orders > (lambda: 1)()", "x" * 5000]
)
def test_a_predicate_is_never_code(text: str) -> None:
    with pytest.raises(PredicateError):
        Predicate.parse(text)
