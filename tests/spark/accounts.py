"""Accounts as the lake would hold them: two real ones as their orders, a made-up one as files of every kind."""

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from winback.instants import format_instant
from winback.rates.conversion import LINES
from winback.segmentation.order_files import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT / "build" / "datasets"
AS_OF = datetime(2026, 1, 15, 6, tzinfo=UTC)

CDNOW = """CREATE TABLE orders AS
SELECT
    'O' || row_number() OVER () AS order_id,
    split_part(row, ' ', 1) AS customer_id,
    strptime(split_part(row, ' ', 2), '%Y%m%d') AS ordered_at,
    CAST(round(CAST(split_part(row, ' ', 4) AS DOUBLE) * 100) AS BIGINT) AS amount_minor,
    CAST(0 AS BIGINT) AS discount_minor
FROM (
    SELECT trim(regexp_replace(text, ' +', ' ', 'g')) AS row
    FROM read_csv($file, header = true, sep = '|', columns = {'text': 'VARCHAR'})
)"""

COMPLETE_JOURNEY = f"""CREATE TABLE orders AS
SELECT
    CAST(basket_id AS VARCHAR) AS order_id,
    CAST(household_id AS VARCHAR) AS customer_id,
    min(transaction_timestamp) AS ordered_at,
    CAST(round(sum(sales_value) * 100) AS BIGINT) AS amount_minor,
    CAST(round(sum(retail_disc + coupon_disc) * 100) AS BIGINT) AS discount_minor,
    CAST(NULL AS BIGINT) AS cost_minor,
    list({{
        'sku': CAST(product_id AS VARCHAR),
        'category': product_category,
        'quantity': CAST(quantity AS DECIMAL(18, 3)),
        'price_minor': CAST(round(sales_value * 100) AS BIGINT),
        'cost_minor': CASE WHEN product_id % 3 = 0 THEN CAST(round(sales_value * 60) AS BIGINT) END
    }} ORDER BY product_id, sales_value)::{LINES} AS lines
FROM read_parquet($folder || '/transactions.parquet') AS transactions
JOIN read_parquet($folder || '/products.parquet') AS products USING (product_id)
WHERE household_id <= 300 AND quantity < 1000000
GROUP BY household_id, basket_id"""
"""Households 1 to 300; costs are made up for a third of the products."""


def write_made_up_account(lake: Path, account: str) -> None:
    """Orders with returns, zero amounts, several a day, in four currencies, with newer versions in later files, some
    after AS_OF, and with codes that the first file lacks; rates with gaps; touches told twice, and profiles. Customers
    of all rhythms, some of one season."""
    chance = random.Random(20260115)
    orders = list(_orders(chance))
    history, later = orders[: len(orders) * 8 // 10], orders[len(orders) * 8 // 10 :]
    again = [{**row, "amount_minor": row["amount_minor"] + 100, "received_at": AS_OF} for row in history[::40]]
    folder = lake / f"orders/account={account}/received=2026-01-01"
    _write_parquet(folder / "imp-a.parquet", history, COLUMNS)
    _write_parquet(folder / "imp-b.parquet", later[::2] + again[::2], COLUMNS | {"discount_codes": "VARCHAR[]"})
    _write_json_lines(folder / "bat-c.jsonl.gz", later[1::2] + again[1::2])
    _write_parquet(
        lake / f"rates/account={account}/received=2026-01-01/imp-d.parquet",
        list(_rates(chance)),
        {
            "day": "DATE",
            "currency": "VARCHAR",
            "base": "VARCHAR",
            "rate": "DECIMAL(18, 9)",
            "received_at": "TIMESTAMP",
        },
    )
    keys = sorted({row["customer_key"] for row in orders})
    _write_json_lines(
        lake / f"engagement/account={account}/received=2026-01-02/exp-e.jsonl.gz", list(_touches(chance, keys))
    )
    _write_json_lines(
        lake / f"customers/account={account}/received=2026-01-02/imp-f.jsonl.gz", list(_profiles(chance, keys))
    )


def _orders(chance: random.Random) -> Iterator[dict[str, Any]]:
    number = 0
    for customer in range(400):
        rhythm = chance.choice(["once", "weekly", "monthly", "slow", "christmas", "returns"])
        usual = chance.choice([500, 2_000, 20_000])
        for at in _moments(chance, rhythm):
            for _ in range(1 if chance.random() < 0.9 else 2):  # some days have two orders
                number += 1
                amount = 0 if chance.random() < 0.03 else int(usual * (0.5 + chance.random()))
                if rhythm == "returns" or chance.random() < 0.05:
                    amount = -amount
                yield {
                    "order_id": f"O{number}",
                    "customer_key": f"{customer:032x}",
                    "ordered_at": at,
                    "amount_minor": amount,
                    "currency": chance.choices(["EUR", "USD", "JPY", "XXX"], [80, 12, 6, 2])[0],
                    "discount_minor": chance.choice([0, 0, 0, 100]),
                    "cost_minor": amount // 2 if chance.random() < 0.3 else None,
                    "lines": _lines(chance, amount),
                    "discount_codes": [f"B{number}"] if number % 5 == 0 else None,
                    "fingerprint": f"{number:016x}",
                    "received_at": AS_OF - timedelta(days=14),
                }


def _moments(chance: random.Random, rhythm: str) -> list[datetime]:
    start = AS_OF - timedelta(days=chance.randrange(1, 1_300), seconds=chance.randrange(86_400))
    if rhythm == "christmas":
        return [datetime(year, 12, chance.randrange(1, 25), 10, tzinfo=UTC) for year in (2022, 2023, 2024, 2025)]
    if rhythm == "once":
        return [start]
    gap = {"weekly": 7, "monthly": 30, "slow": 120, "returns": 60}[rhythm]
    count = chance.randrange(1, 25)
    return [start + timedelta(days=gap * place * (0.6 + 0.8 * chance.random())) for place in range(count)]


def _lines(chance: random.Random, amount: int) -> list[dict[str, Any]] | None:
    if chance.random() < 0.2:
        return None
    count = chance.randrange(0, 4)
    return [
        {
            "sku": f"S{chance.randrange(50)}",
            "category": chance.choice(["shoes", "hats", None]),
            "quantity": chance.choice([1.0, 2.0, 0.5, None]),
            "price_minor": amount // count,
            "cost_minor": chance.choice([amount // count // 2, None]),
        }
        for _ in range(count)
    ]


def _rates(chance: random.Random) -> Iterator[dict[str, Any]]:
    first = datetime(2023, 1, 2, tzinfo=UTC)
    for day in range(1_100):
        for currency, level in (("USD", 1.1), ("JPY", 160.0)):
            if chance.random() < 0.6:
                yield {
                    "day": (first + timedelta(days=day)).date(),
                    "currency": currency,
                    "base": "EUR",
                    "rate": round(level * (0.9 + 0.2 * chance.random()), 9),
                    "received_at": AS_OF - timedelta(days=chance.randrange(1, 9)),
                }


def _touches(chance: random.Random, keys: list[str]) -> Iterator[dict[str, Any]]:
    kinds = ["sent", "sent", "delivered", "opened", "clicked", "visited", "carted", "unsubscribed"]
    for number in range(4_000):
        touch = {
            "customer_key": chance.choice(keys),
            "kind": chance.choice(kinds),
            "channel": chance.choice(["email", "sms", None]),
            "at": AS_OF - timedelta(days=chance.randrange(-5, 400), seconds=chance.randrange(86_400)),
            "touch_id": f"{number:032x}",
            "by_machine": chance.choice([False, False, True, None]),
        }
        yield touch
        if chance.random() < 0.2:
            yield {**touch, "at": touch["at"] + timedelta(hours=1)}  # told again, later


def _profiles(chance: random.Random, keys: list[str]) -> Iterator[dict[str, Any]]:
    for key in keys[::2]:
        for _ in range(chance.randrange(1, 3)):
            consent = {
                channel: {"state": chance.choice(["granted", "denied", "unknown"]), "at": chance.choice([AS_OF, None])}
                for channel in chance.sample(["email", "sms", "push"], 2)
            }
            yield {
                "customer_key": key,
                "consent": consent,
                "acquisition_channel": chance.choice(["shop", "fair", None]),
                "created_at": AS_OF - timedelta(days=chance.randrange(1, 2_000)),
                "received_at": AS_OF - timedelta(days=chance.randrange(-2, 30)),
            }


def _write_parquet(path: Path, rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        source = path.with_suffix(".jsonl")
        source.write_text(_text(rows))
        typed = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
        connection.execute(
            f"COPY (FROM read_json('{source}', format = 'newline_delimited', columns = {{{typed}}})) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        source.unlink()


def _write_json_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(_text(rows).encode()))


def _text(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, default=_plain) + "\n" for row in rows)


def _plain(value: Any) -> str:
    return format_instant(value) if isinstance(value, datetime) else str(value)
