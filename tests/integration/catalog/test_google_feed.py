from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zhanggui.catalog import Product, store
from zhanggui.catalog.feed import read_feed
from zhanggui.storage import Database, RejectFile

XML = """<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><item>
<g:id>1</g:id><title>Tea cup</title><g:price>19.90 USD</g:price><g:sale_price>15.00 USD</g:sale_price>
<g:sale_price_effective_date>{when}</g:sale_price_effective_date><g:google_product_category>{category}</g:google_product_category>
<g:color>blue</g:color><g:gtin>4006381333931</g:gtin><g:cost_of_goods_sold>3.00 USD</g:cost_of_goods_sold>
<g:custom_label_0>clear out</g:custom_label_0><g:additional_image_link>https://a.example/2.png</g:additional_image_link>
</item></channel></rss>"""


def read(folder: Path, when: str = "", category: str = "Home &gt; Cups") -> tuple[list[Product], RejectFile]:
    path = folder / "feed.xml"
    path.write_text(XML.format(when=when, category=category), encoding="utf-8")
    with RejectFile(path=folder / "rejects.jsonl") as rejects:
        found = list(read_feed(path, rejects=rejects, currency="USD", language="en"))
    return [one for one in found if isinstance(one, Product)], rejects


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        ("2026-02-24T11:07+0100/2026-03-01T23:07+0100", "2026-02-24T10:07:00", "2026-03-01T22:06:59"),
        ("2026-02-24T11:07 / 2026-03-01T23:07Z", "2026-02-24T11:07:00", "2026-03-01T23:06:59"),
        ("2026-02-24/2026-03-01", "2026-02-24T00:00:00", "2026-03-01T23:59:59"),
    ],
)
def test_a_sale_price_holds_within_its_time_only(
    tmp_path: Path, database: Database, when: str, first: str, last: str
) -> None:
    products, _ = read(tmp_path, when)
    with database.transaction() as connection:
        store.upsert(connection, products, now=datetime(2026, 1, 1, tzinfo=UTC))
        one = store.find(connection, ["1"])["1"]
    begin, end = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (first, last))
    second = timedelta(seconds=1)
    minor = [one.price_at(moment).minor for moment in (begin - second, begin, end, end + second)]
    assert minor == [1990, 1500, 1500, 1990]


def test_a_sale_price_without_a_time_holds_always(tmp_path: Path) -> None:
    products, _ = read(tmp_path)
    assert products[0].price_at(datetime(2026, 1, 1, tzinfo=UTC)).minor == 1500


@pytest.mark.parametrize(
    "when", ["soon", "2026-02-24", "2026-03-01/2026-02-24", "2026-02-30/2026-03-09", "2026-01-01/9999-12-31"]
)
def test_a_time_that_is_none_is_refused_by_its_field(tmp_path: Path, when: str) -> None:
    products, rejects = read(tmp_path, when)
    assert products == []
    assert '"field": "sale_price_effective_date"' in rejects.path.read_text()


def test_what_only_google_needs_is_no_fact_for_copy(tmp_path: Path) -> None:
    assert read(tmp_path)[0][0].attributes == {"color": "blue"}
    assert read(tmp_path)[0][0].category == "Home > Cups"
    assert read(tmp_path, category="6049")[0][0].category == ""
