"""A message shows what its product costs, and does not leave once that is no longer so."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from zhanggui.catalog import store as catalog
from zhanggui.delivery import outbox
from zhanggui.delivery.outbox import outbox as messages
from zhanggui.engine import Engine
from zhanggui.money import Money
from zhanggui.testing import FakeLLM, FixedClock, MemoryChannel

NIGHT = datetime(2026, 3, 2, 15, tzinfo=UTC)  # eleven in the evening in Shanghai


def test_no_message_leaves_for_a_product_that_changed_overnight(
    open_sample: Callable[..., Engine],
) -> None:
    clock, channel = FixedClock(NIGHT), MemoryChannel()
    engine = open_sample(clock, model=FakeLLM("A good thing for quiet evenings."), channels={"email": channel})
    run_id = engine.runs.run("welcome-back", moment=NIGHT).run_id
    with engine.runs.parts.database.transaction() as connection:
        documents = connection.scalars(sa.select(messages.c.document).where(messages.c.state == "waiting"))
        waiting = Counter(json.loads(one)["data"]["product_id"] for one in documents)
        found = catalog.find(connection, waiting)
        dearer, empty, gone, on_sale = (found[one] for one in ("tea-03", "ceramics-06", "kitchen-05", "home-04"))
        changed = [
            replace(dearer, price=Money(currency="CNY", minor=dearer.price.minor + 100)),
            replace(empty, stock=0),
            # Cheaper from the morning on, by a feed that came in the night.
            replace(on_sale, sale_price=Money(currency="CNY", minor=100), sale_from=NIGHT + timedelta(hours=8)),
        ]
        catalog.upsert(connection, changed, now=NIGHT)
        catalog.delete(connection, [gone.product_id], now=NIGHT)
    assert min(waiting[one.product_id] for one in (dearer, empty, gone, on_sale)) > 0
    left_before = len(channel.sent)
    clock.advance(timedelta(hours=11))
    engine.runs.deliver_due()
    with engine.runs.parts.database.reading() as connection:
        refused = outbox.counts(connection, run_id).refused
    assert refused == {
        "price_changed": waiting[dearer.product_id] + waiting[on_sale.product_id],
        "out_of_stock": waiting[empty.product_id],
        "not_in_catalogue": waiting[gone.product_id],
    }
    left = channel.sent[left_before:]
    assert len(left) == waiting.total() - sum(refused.values())
    for message in left:
        product = found[message.data["product_id"]]
        shown = f"{product.title(message.language)}{'，' if message.language == 'zh' else ': '}{product.price}"
        assert f"\n{shown}\nhttps://shop.example.com/products/{product.product_id}\n" in message.body
        assert message.proof["facts"]["price"] == str(product.price)
