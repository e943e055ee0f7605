"""The profile build over 10 million events: ours, hand-written DuckDB SQL and pandas, with peak memory of each.

    pip install pandas && python benchmarks/profiles.py [--events 10000000] [--pandas-events 10000000]

Each run is a process of its own on the same Parquet files and writes the same columns, which are compared. The other
side stands between two runs of ours, whose mean counts: a machine's speed drifts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 180


def scale(root: Path, events: int) -> None:
    """A seeded log of `events` rows in one Parquet file a day, as `zhanggui events compact` leaves them."""
    from zhanggui.events.day_file import ORDER, write_day
    from zhanggui.events.event import LOG_SCHEMA

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    customers = max(1, events // 40)
    con.execute("SELECT setseed(0.5)")
    con.execute(
        f"""
        CREATE TABLE drawn AS SELECT i, CAST(pow(random(), 1.5) * {customers} AS BIGINT) AS customer, random() AS kind,
            TIMESTAMPTZ '{AS_OF.isoformat()}' - to_microseconds(CAST(random() * {DAYS}::DOUBLE * 86400e6 AS BIGINT)) AS happened,
            CAST(random() * 200 AS INT) AS p, CAST(random() * 200 AS INT) AS q, random() AS r
        FROM range({events}) t(i)
        """
    )
    con.execute(
        """
        CREATE VIEW named AS SELECT *, CASE WHEN kind < 0.5 THEN 'Product Viewed' WHEN kind < 0.65 THEN 'Product Added'
            WHEN kind < 0.80 THEN 'Order Completed' WHEN kind < 0.81 THEN 'Order Refunded' WHEN kind < 0.90 THEN 'Email Delivered'
            WHEN kind < 0.95 THEN 'Email Opened' WHEN kind < 0.97 THEN 'Email Link Clicked' END AS name FROM drawn
        """
    )
    product = (
        "{{'product_id': 'p' || {0}, 'category': 'category ' || ({0} % 12), 'brand': 'brand ' || ({0} % 37), "
        "'price_minor': CAST(500 + {0} * 10 AS BIGINT), 'quantity': 1.0 + ({0} % 3)}}"
    )
    one, two = product.format("p"), product.format("q")
    con.execute(
        f"""
        CREATE VIEW log AS SELECT 'm' || i AS message_id, CASE WHEN name IS NULL THEN 'identify' ELSE 'track' END AS type, name,
            'c' || lpad(customer::VARCHAR, 7, '0') AS user_id, NULL::VARCHAR AS anonymous_id, NULL::VARCHAR AS previous_id,
            happened AS timestamp, happened AS received_at,
            CASE WHEN name LIKE 'Order%' THEN 'o' || i END AS order_id, CASE WHEN name LIKE 'Order%' THEN 'CNY' END AS currency,
            CASE WHEN name = 'Order Completed' THEN 1000 + p * 20 + q * 20 WHEN name = 'Order Refunded' THEN 500 END::BIGINT AS revenue_minor,
            CASE WHEN name = 'Order Completed' AND r < 0.3 THEN 200 WHEN name = 'Order Completed' THEN 0 END::BIGINT AS discount_minor,
            NULL::VARCHAR AS coupon,
            CASE WHEN name = 'Order Completed' THEN [{one}, {two}] WHEN name IN ('Product Viewed', 'Product Added') THEN [{one}] END AS products,
            CASE WHEN name LIKE 'Email%' THEN 'email' END AS channel, NULL::VARCHAR AS decision_id,
            CASE WHEN name IS NULL THEN json_object('traits', json_object('firstName', 'n' || p, 'language',
                CASE WHEN r < 0.5 THEN 'zh-CN' ELSE 'en' END, 'timezone', 'Asia/Shanghai', 'points', q))::VARCHAR
                ELSE json_object('properties', json_object('product_id', 'p' || p, 'url', 'https://shop.example/p/' || p))::VARCHAR END AS body,
            'server' AS trust
        FROM named
        """
    )
    for day in range(DAYS + 1):
        moment = f"TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL {day} DAY"
        table = con.sql(
            f"SELECT * FROM log WHERE timestamp <= {moment} AND timestamp > {moment} - INTERVAL 1 DAY ORDER BY {', '.join(ORDER)}"
        ).to_arrow_table()
        if table.num_rows:
            path = root / f"day-{day:03}" / "events.parquet"
            path.parent.mkdir(parents=True)
            write_day(table.cast(LOG_SCHEMA), path)


def ours(root: Path, out: Path) -> float:
    """`profiles.build` over an EventLog whose files these are."""
    import ibis
    import sqlalchemy as sa

    from zhanggui.events import EventLog
    from zhanggui.events.day_file import FORMAT
    from zhanggui.events.tables import event_files
    from zhanggui.profiles.build import build
    from zhanggui.profiles.settings import ProfileSettings
    from zhanggui.storage import ArtifactStore, Database

    database = Database(f"sqlite:///{out.parent / 'shop.db'}")
    database.migrate()
    with database.transaction() as connection:
        connection.execute(
            sa.insert(event_files),
            [
                {
                    "path": str(path.relative_to(root)),
                    "day": path.parent.name,
                    "row_count": 1,
                    "added_at": AS_OF,
                    "format": FORMAT,
                }
                for path in sorted(root.glob("*/*.parquet"))
            ],
        )
    log, artifacts = EventLog(database, root), ArtifactStore(out.parent / "artifacts")
    ibis.memtable({"one": [1]}).count().to_pyarrow()  # loads the libraries, as the imports of the other sides do
    started = time.perf_counter()
    snapshot = build(log, artifacts, as_of=AS_OF, settings=ProfileSettings(), now=AS_OF)
    seconds = time.perf_counter() - started
    snapshot.path.replace(out)
    return seconds


def sql(root: Path, out: Path) -> float:
    """The same columns as one who knows DuckDB would write them by hand, for this benchmark's events only."""
    started = time.perf_counter()
    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET TimeZone = 'UTC'")
    con.execute(
        f"""
        COPY (
        WITH e AS (SELECT * FROM read_parquet('{root}/*/*.parquet') WHERE timestamp <= TIMESTAMPTZ '{AS_OF.isoformat()}'),
        activity AS (
            SELECT user_id AS customer_id, min(timestamp) AS first_seen_at, max(timestamp) AS last_seen_at,
                count(*) FILTER (name = 'Product Viewed' AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 30 DAY) AS views,
                count(*) FILTER (name = 'Product Added' AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 30 DAY) AS carts,
                count(*) FILTER (name = 'Email Delivered' AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 90 DAY) AS messages_received,
                count(*) FILTER (name = 'Email Opened' AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 90 DAY) AS messages_opened,
                count(*) FILTER (name = 'Email Link Clicked' AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 90 DAY) AS messages_clicked,
                max(channel) FILTER (name IN ('Email Opened', 'Email Link Clicked') AND timestamp > TIMESTAMPTZ '{AS_OF.isoformat()}' - INTERVAL 90 DAY) AS preferred_channel
            FROM e GROUP BY 1),
        each_order AS (
            SELECT user_id AS customer_id, order_id, min(timestamp) FILTER (name = 'Order Completed') AS placed,
                coalesce(max(revenue_minor) FILTER (name = 'Order Completed'), 0) AS revenue,
                coalesce(max(discount_minor) FILTER (name = 'Order Completed'), 0) AS discount,
                coalesce(sum(revenue_minor) FILTER (name = 'Order Refunded'), 0) AS refund
            FROM e WHERE name IN ('Order Completed', 'Order Cancelled', 'Order Refunded')
            GROUP BY 1, 2 HAVING placed IS NOT NULL AND NOT bool_or(name = 'Order Cancelled')),
        orders AS (
            SELECT customer_id, count(*) AS orders, min(placed) AS first_order_at, max(placed) AS last_order_at,
                sum(revenue - refund)::BIGINT AS revenue_minor, sum(revenue - refund) / count(*) AS average_order_minor,
                (epoch_us(max(placed)) - epoch_us(min(placed))) / nullif(count(*) - 1, 0) / 86400e6 AS inter_purchase_days,
                coalesce(sum(discount) / nullif(sum(revenue) + sum(discount), 0), 0) AS discount_share
            FROM each_order GROUP BY 1),
        told AS (
            SELECT user_id AS customer_id, epoch_us(timestamp) AS us, message_id,
                unnest(json_keys(body, '$.traits')) AS key, body FROM e WHERE type = 'identify'),
        latest AS (
            SELECT customer_id, key, arg_max(json_extract(body, '$.traits.' || key), (us, message_id)) AS value FROM told GROUP BY 1, 2),
        traits AS (
            SELECT customer_id, json_group_object(key, value) AS traits,
                max(value ->> '$') FILTER (key = 'language') AS language, max(value ->> '$') FILTER (key = 'timezone') AS time_zone,
                max(value ->> '$') FILTER (key = 'firstName') AS first_name,
                max(TRY_CAST(value ->> '$' AS BIGINT)) FILTER (key = 'points') AS points
            FROM latest GROUP BY 1),
        lines AS (
            SELECT customer_id, p.product_id, p.category, p.brand,
                decayed * CASE WHEN name = 'Order Completed' THEN p.quantity ELSE 1 END AS weight
            FROM (SELECT user_id AS customer_id, name, unnest(products) AS p,
                CASE name WHEN 'Order Completed' THEN 5.0::DOUBLE WHEN 'Product Added' THEN 3.0::DOUBLE ELSE 1.0::DOUBLE END
                * exp(({AS_OF.timestamp()} * 1e6 - epoch_us(timestamp)) / 86400e6 * (-0.6931471805599453 / 60)) AS decayed
                FROM e WHERE name IN ('Order Completed', 'Product Added', 'Product Viewed'))),
        category_sums AS (SELECT customer_id, category AS name, sum(weight) AS weight FROM lines GROUP BY 1, 2),
        category_ranked AS (SELECT *, weight / sum(weight) OVER (PARTITION BY customer_id) AS share,
            row_number() OVER (PARTITION BY customer_id ORDER BY weight DESC, name) AS place FROM category_sums),
        categories AS (SELECT customer_id, list({{'name': name, 'weight': share}} ORDER BY place) AS categories,
            arg_min(name, place) AS top_category FROM category_ranked WHERE place <= 10 GROUP BY 1),
        brand_sums AS (SELECT customer_id, brand AS name, sum(weight) AS weight FROM lines GROUP BY 1, 2),
        brand_ranked AS (SELECT *, weight / sum(weight) OVER (PARTITION BY customer_id) AS share,
            row_number() OVER (PARTITION BY customer_id ORDER BY weight DESC, name) AS place FROM brand_sums),
        brands AS (SELECT customer_id, list({{'name': name, 'weight': share}} ORDER BY place) AS brands,
            arg_min(name, place) AS top_brand FROM brand_ranked WHERE place <= 10 GROUP BY 1),
        product_sums AS (SELECT customer_id, product_id, sum(weight) AS weight FROM lines GROUP BY 1, 2),
        products AS (SELECT customer_id, arg_max(product_id, (weight, product_id)) AS top_product FROM product_sums GROUP BY 1),
        joined AS (
            SELECT *, (epoch_us(TIMESTAMPTZ '{AS_OF.isoformat()}') - epoch_us(last_order_at)) / 86400e6 AS recency_days,
                (epoch_us(TIMESTAMPTZ '{AS_OF.isoformat()}') - epoch_us(first_order_at)) / 86400e6 AS tenure_days
            FROM activity LEFT JOIN orders USING (customer_id) LEFT JOIN traits USING (customer_id)
                LEFT JOIN categories USING (customer_id) LEFT JOIN brands USING (customer_id) LEFT JOIN products USING (customer_id))
        SELECT customer_id, TIMESTAMPTZ '{AS_OF.isoformat()}' AS as_of,
            CASE WHEN lower(language) LIKE 'zh%' THEN 'zh' WHEN lower(language) LIKE 'en%' THEN 'en' END AS language,
            time_zone, first_name, points, coalesce(traits::VARCHAR, '{{}}') AS traits, first_seen_at, last_seen_at,
            coalesce(orders, 0) AS orders, first_order_at, last_order_at, recency_days, tenure_days, inter_purchase_days,
            coalesce(revenue_minor, 0) AS revenue_minor, average_order_minor, coalesce(discount_share, 0) AS discount_share, views, carts,
            coalesce(categories, []) AS categories, coalesce(brands, []) AS brands, top_category, top_brand, top_product,
            messages_received, messages_opened, messages_clicked, preferred_channel,
            CASE WHEN coalesce(orders, 0) = 0 THEN 'prospect' WHEN gaps > 5 THEN 'lapsed' WHEN gaps > 2 THEN 'at_risk'
                WHEN orders = 1 THEN 'new' WHEN orders >= 5 THEN 'loyal' ELSE 'active' END AS lifecycle_stage
        FROM (SELECT *, recency_days / greatest(CASE WHEN orders >= 3 THEN inter_purchase_days ELSE 30 END, 7) AS gaps FROM joined)
        ORDER BY customer_id
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)
        """
    )
    return time.perf_counter() - started


def pandas(root: Path, out: Path) -> float:
    """The same columns with vectorised pandas; traits are the only loop, since JSON is text to it."""
    import pandas as pd

    started = time.perf_counter()
    table = pq.ParquetDataset(sorted(str(path) for path in root.glob("*/*.parquet"))).read(
        columns=["message_id", "type", "name", "user_id", "timestamp", "order_id", "revenue_minor", "discount_minor",
                 "products", "channel", "body"]
    )  # fmt: skip
    e = table.drop_columns(["products", "body"]).to_pandas()
    del e["channel"]  # every answer of this log came by e-mail
    for column in ("type", "name"):
        e[column] = e[column].astype("category")
    now = pd.Timestamp(AS_OF)
    by = e.groupby("user_id", observed=True)["timestamp"]
    found = pd.DataFrame({"first_seen_at": by.min(), "last_seen_at": by.max()})

    def count(names: list[str], days: int) -> "pd.Series":
        chosen = e["name"].isin(names) & (e["timestamp"] > now - pd.Timedelta(days=days))
        return e.loc[chosen].groupby("user_id", observed=True).size().reindex(found.index, fill_value=0)

    found["views"], found["carts"] = count(["Product Viewed"], 30), count(["Product Added"], 30)
    found["messages_received"], found["messages_opened"] = count(["Email Delivered"], 90), count(["Email Opened"], 90)
    found["messages_clicked"] = count(["Email Link Clicked"], 90)
    answered = count(["Email Opened", "Email Link Clicked"], 90) > 0
    found["preferred_channel"] = np.where(answered, "email", None)
    placed = e[e["name"] == "Order Completed"]
    refunds = e[e["name"] == "Order Refunded"].groupby(["user_id", "order_id"], observed=True)["revenue_minor"].sum()
    orders = placed.groupby(["user_id", "order_id"], observed=True).agg(
        placed=("timestamp", "min"), revenue=("revenue_minor", "max"), discount=("discount_minor", "max")
    )
    orders["net"] = orders["revenue"] - refunds.reindex(orders.index).fillna(0)
    sums = orders.groupby(level=0).agg(
        orders=("net", "size"), first_order_at=("placed", "min"), last_order_at=("placed", "max"),
        revenue_minor=("net", "sum"), gross=("revenue", "sum"), discount=("discount", "sum"),
    )  # fmt: skip
    day = pd.Timedelta(days=1)
    sums["inter_purchase_days"] = (
        (sums["last_order_at"] - sums["first_order_at"]) / (sums["orders"] - 1).replace(0, np.nan) / day
    )
    sums["average_order_minor"] = sums["revenue_minor"] / sums["orders"]
    sums["discount_share"] = (sums["discount"] / (sums["gross"] + sums["discount"])).fillna(0)
    found = found.join(sums.drop(columns=["gross", "discount"]))
    for column in ("orders", "revenue_minor", "discount_share"):
        found[column] = found[column].fillna(0)
    found["recency_days"], found["tenure_days"] = (
        (now - found["last_order_at"]) / day,
        (now - found["first_order_at"]) / day,
    )

    told = e.loc[e["type"] == "identify", ["user_id", "timestamp", "message_id"]]
    told["traits"] = [json.loads(body)["traits"] for body in table["body"].take(told.index.to_numpy()).to_pylist()]
    merged: dict[str, dict[str, object]] = {}
    for user, traits in zip(
        *(told.sort_values(["timestamp", "message_id"])[c] for c in ("user_id", "traits")), strict=True
    ):
        merged.setdefault(user, {}).update(traits)
    traits = pd.Series(merged).reindex(found.index)
    known = [one if isinstance(one, dict) else {} for one in traits]
    found["traits"] = [json.dumps(one) for one in known]
    found["language"] = [one["language"][:2] if one else None for one in known]
    found["time_zone"], found["first_name"] = ([one.get(key) for one in known] for key in ("timezone", "firstName"))
    found["points"] = [one.get("points") for one in known]

    bought = e["name"].isin(["Order Completed", "Product Added", "Product Viewed"]).to_numpy()
    base = (
        e.loc[bought, "name"].map({"Order Completed": 5.0, "Product Added": 3.0, "Product Viewed": 1.0}).astype(float)
    )
    decayed = base * np.exp((now - e.loc[bought, "timestamp"]) / day * (-0.6931471805599453 / 60))
    lines = table["products"].filter(pa.array(bought)).to_pandas()
    lines = pd.DataFrame(
        {"user_id": e.loc[bought, "user_id"].to_numpy(), "order": (e.loc[bought, "name"] == "Order Completed").to_numpy(),
         "decayed": decayed.to_numpy(), "line": lines.to_numpy()}
    ).explode("line", ignore_index=True)  # fmt: skip
    inner = pd.DataFrame(lines.pop("line").tolist())
    lines["weight"] = lines["decayed"] * np.where(lines["order"], inner["quantity"], 1.0)
    for column in ("product_id", "category", "brand"):
        lines[column] = inner[column]
    for column, many, top in (("category", "categories", "top_category"), ("brand", "brands", "top_brand")):
        weights = lines.groupby(["user_id", column], observed=True)["weight"].sum().reset_index(name="weight")
        weights["share"] = weights["weight"] / weights.groupby("user_id")["weight"].transform("sum")
        weights = weights.sort_values(["user_id", "weight", column], ascending=[True, False, True])
        weights = weights[weights.groupby("user_id").cumcount() < 10]
        weights["pair"] = [{"name": a, "weight": b} for a, b in zip(weights[column], weights["share"], strict=True)]
        grouped = weights.groupby("user_id", observed=True)
        found[many] = grouped["pair"].agg(list)
        found[many] = [one if isinstance(one, list) else [] for one in found[many]]
        found[top] = grouped[column].first()
    weights = lines.groupby(["user_id", "product_id"], observed=True)["weight"].sum().reset_index()
    weights = weights.sort_values(["user_id", "weight", "product_id"]).groupby("user_id").last()
    found["top_product"] = weights["product_id"]
    own = np.where(found["orders"] >= 3, found["inter_purchase_days"], 30.0)
    gaps = found["recency_days"] / np.maximum(own, 7.0)
    found["lifecycle_stage"] = np.select(
        [found["orders"] == 0, gaps > 5, gaps > 2, found["orders"] == 1, found["orders"] >= 5],
        ["prospect", "lapsed", "at_risk", "new", "loyal"], "active",
    )  # fmt: skip
    found = found.rename_axis("customer_id").sort_index().reset_index()
    found["as_of"] = now
    found.to_parquet(out, compression="zstd", row_group_size=20_000)
    return time.perf_counter() - started


def compare(left: Path, right: Path) -> None:
    """Stop with the column that differs. Amounts to 1e-9 of themselves; ties are by name on all sides."""
    one, two = pq.read_table(left), pq.read_table(right)
    assert one["customer_id"].to_pylist() == two["customer_id"].to_pylist(), "the customers differ"
    for name in two.column_names:
        if name in ("traits", "as_of"):
            a, b = one[name].to_pylist(), two[name].to_pylist()
            same = [json.loads(x) for x in a] == [json.loads(x) for x in b] if name == "traits" else a == b
        elif name in ("categories", "brands"):
            flat = [
                [(pair["name"], round(pair["weight"], 9)) for row in t[name].to_pylist() for pair in row]
                for t in (one, two)
            ]
            same = all(x[0] == y[0] and abs(x[1] - y[1]) < 1e-8 for x, y in zip(*flat, strict=True))
        elif pa.types.is_floating(one[name].type):
            x, y = (t[name].to_numpy().astype(float) for t in (one, two))
            same = bool(np.allclose(x, y, rtol=1e-9, equal_nan=True))
        else:
            same = [None if v != v else v for v in one[name].to_pylist()] == [
                None if v != v else v for v in two[name].to_pylist()
            ]
        assert same, f"column {name} differs between {left.name} and {right.name}"


def main() -> None:
    """Run each side in its own process; print seconds, peak memory and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument(
        "--pandas-events", type=int, default=10_000_000, help="pandas may need more memory than there is"
    )
    parser.add_argument("--side", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        name, root, out = asked.side
        seconds = {"ours": ours, "sql": sql, "pandas": pandas}[name](Path(root), Path(out))
        # Not getrusage: its figure includes what the parent held when it started this process.
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(json.dumps([seconds, int(peak.split()[1]) / 1024]))
        return
    for other, events in (("sql", asked.events), ("pandas", asked.pandas_events)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "events"
            scale(root, events)
            os.sync()  # what the files wait for is not the first side's work
            print(f"{events:,} events")
            seconds = defaultdict(list)
            for number, side in enumerate(("ours", other, "ours")):
                out = Path(folder) / str(number) / "profiles.parquet"
                out.parent.mkdir()
                told = subprocess.run(
                    [sys.executable, __file__, "--side", side, str(root), str(out)],
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                ).stdout
                took, peak = json.loads(told.splitlines()[-1])
                seconds[side].append(took)
                print(f"  {side:<7} {took:8.1f} s   peak {peak:8,.0f} MB", flush=True)
            compare(*(Path(folder) / str(number) / "profiles.parquet" for number in range(2)))
            mine, theirs = statistics.mean(seconds["ours"]), seconds[other][0]
            if other == "sql":
                print(f"  the same profiles; ours takes {mine / theirs:.2f}x the time of hand-written SQL")
            else:
                print(f"  the same profiles; pandas takes {theirs / mine:.1f}x our time")


if __name__ == "__main__":
    main()
