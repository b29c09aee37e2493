"""Loads a file of orders or customers into DuckDB and accounts for every row of it.

The steps are SQL files beside this one (`sql/`). Nothing here reads the clock: the caller says what *now* is.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.fields import LEEWAY
from winback.imports.columns import CUSTOMERS, ORDERS, Layout
from winback.imports.compression import plain_file
from winback.imports.errors import UnknownColumn, UnreadableFile
from winback.imports.sql import literal, statement
from winback.imports.staged import Staged
from winback.imports.staging import stage
from winback.instants import time_zone_names
from winback.money import NO_CURRENCY, exponent

__all__ = [
    "FileAccount",
    "UnknownColumn",
    "UnreadableFile",
    "account_of",
    "latest_moment",
    "load_customers",
    "load_orders",
    "staged_file",
]

_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class FileAccount:
    """What became of the rows of a file: `read = accepted + duplicates + rejected`, always.

    `rejects_by_reason` counts by problem, such as `customer_id: missing`, and adds up to `rejected`.
    """

    read: int
    accepted: int
    duplicates: int
    rejected: int
    rejects_by_reason: dict[str, int]


def load_orders(
    connection: DuckDBPyConnection,
    path: Path | str,
    *,
    mapping: Mapping[str, str],
    default_currency: str | None = None,
    format: str | None = None,  # noqa: A002 the field's word
    now: datetime | None = None,
    scratch: Path | None = None,
) -> FileAccount:
    """Makes the tables `orders` and `rejects` in `connection` from a CSV, JSON Lines or Parquet file.

    The file is plain, gzip or zstd. `mapping` names its column of each canonical one (`customer_id`, `order_id`,
    `ordered_at`, `amount`; optional `currency`, `discount`, `cost`, `discount_codes`, `category`, `sku`, `quantity`);
    columns that it leaves out are found under their canonical name. A row without a currency has `default_currency`, or
    XXX, ISO 4217's "no currency".

    `discount_codes`: codes with commas or semicolons between them, or a list of texts, or of objects with a `code`, as
    shops' own orders have them (winback.orders.ReceivedOrder). Those of an order's lines are put together.

    With `sku` or `category` a row is an order line: rows that share `order_id` are one order, its amount and discount
    their sums, its cost too where every row has one, its time the earliest; an exact repeat of a row is a duplicate; an
    order is taken whole or not at all.
    Otherwise a row is an order: a repeat with the same content is a duplicate, one with other content is rejected.

    `format` is `csv`, `jsonl` or `parquet`, told from the content when None. With `now`, rows more than a day later are
    rejected. `scratch` is where decompressed copies go.

    `orders`: order_id, customer_id, ordered_at TIMESTAMP (UTC, whole seconds), amount_minor BIGINT (net of discount),
    currency, discount_minor BIGINT, cost_minor BIGINT (NULL where it is not known), lines STRUCT(sku, category,
    quantity DECIMAL(18, 3), price_minor BIGINT, cost_minor BIGINT)[] (NULL when rows are orders; `price_minor` and
    `cost_minor` are the whole line's), discount_codes VARCHAR[] (each once and sorted; empty: the order used none;
    NULL: the file has no such column), fingerprint.
    `rejects`: line (of the file, from 1; a Parquet file's row), field, problem, reason, row.

    Raises UnreadableFile for a file that is not what it should be, UnknownColumn for a column that is missing.
    """
    with staged_file(connection, Path(path), Layout(ORDERS, mapping, format), scratch) as staged:
        are_lines = bool(staged.columns & {"sku", "category"})
        _create_currencies(connection, default_currency or NO_CURRENCY)
        connection.execute(statement("order_content"))
        connection.execute(
            statement("check_orders"),
            {
                "approximate": staged.approximate,
                "latest": latest_moment(now),
                "are_lines": are_lines,
                "states_codes": "discount_codes" in staged.columns,
            },
        )
        connection.execute(statement("line_grain" if are_lines else "order_grain"))
        account = account_of(connection)
        connection.execute(statement("orders_of_lines" if are_lines else "orders_of_rows"))
        return account


def load_customers(
    connection: DuckDBPyConnection,
    path: Path | str,
    *,
    mapping: Mapping[str, str],
    format: str | None = None,  # noqa: A002 the field's word
    now: datetime | None = None,
    scratch: Path | None = None,
) -> FileAccount:
    """Makes the tables `customers` and `rejects` in `connection`; files, `mapping` and the rest as for `load_orders`.

    Canonical columns: `customer_id`; optional `email`, `phone`, `first_name`, `last_name`, `time_zone`, `country`,
    `locale`, `email_consent`, `sms_consent`, `push_consent`, `webhook_consent`, `call_consent` (granted, denied,
    unknown), `consent_at`, `consent_source`, `created_at`, `acquisition_channel`, `push_token`, `open_cases`
    (winback.customers.OpenCase, separated by semicolons or as a list; `none` or an empty list: nothing is open). A row
    with anything wrong is rejected whole, so that nothing is lost silently.
    `customers` has these columns (the two instants as TIMESTAMP, NULL where the file says nothing) and `fingerprint`.

    Raises what `load_orders` raises.
    """
    with staged_file(connection, Path(path), Layout(CUSTOMERS, mapping, format), scratch):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE time_zones AS SELECT unnest($names) AS name",
            {"names": sorted(time_zone_names())},
        )
        connection.execute(statement("check_customers"), {"latest": latest_moment(now)})
        connection.execute(statement("customer_grain"))
        return account_of(connection)


def latest_moment(now: datetime | None) -> datetime | None:
    """Until when a file may tell of things, as DuckDB's TIMESTAMP in UTC; None: no bound."""
    return (now + LEEWAY).astimezone(UTC).replace(tzinfo=None) if now else None


@contextmanager
def staged_file(
    connection: DuckDBPyConnection,
    path: Path,
    layout: Layout,
    scratch: Path | None,
) -> Iterator[Staged]:
    """The file as the view `source` of its canonical columns, beside the macros and explanations of the checks.

    Nothing of it stays but what the caller made.
    """
    ((zone,),) = connection.execute("SELECT current_setting('TimeZone')").fetchall()
    connection.execute("SET TimeZone = 'UTC'")
    try:
        with tempfile.TemporaryDirectory(dir=scratch) as folder, plain_file(path, Path(folder)) as plain:
            connection.execute(statement("macros"))
            connection.execute(statement("explanations"))
            yield stage(connection, plain, layout, Path(folder))
    finally:
        connection.execute(statement("drop_staging"))
        connection.execute(f"SET TimeZone = {literal(zone)}")


def _create_currencies(connection: DuckDBPyConnection, default: str) -> None:
    """Table currencies(written, currency, thousandths): each way a code is written in the file, none included, and how
    many thousandths of the unit the currency's minor unit is."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE currencies (written VARCHAR, currency VARCHAR, thousandths BIGINT)"
    )
    found = connection.execute("SELECT DISTINCT coalesce(currency, '') FROM source").fetchall()
    codes = {written: written.strip(" ").upper() or default for (written,) in found}
    known = {written: code for written, code in codes.items() if _CODE.fullmatch(code)}
    if known:
        connection.execute(
            "INSERT INTO currencies SELECT unnest($written), unnest($codes), unnest($thousandths)",
            {
                "written": list(known),
                "codes": list(known.values()),
                "thousandths": [10 ** (3 - exponent(code)) for code in known.values()],
            },
        )


def account_of(connection: DuckDBPyConnection) -> FileAccount:
    """Makes the table `rejects` of the rows that the checks set aside, and counts all rows of the staged file."""
    connection.execute(statement("rejects"))
    ((rows, aside, duplicates, malformed),) = connection.execute(statement("account")).fetchall()
    by_problem = dict(
        connection.execute("SELECT problem, count(*) FROM rejects GROUP BY problem ORDER BY problem").fetchall()
    )
    account = FileAccount(rows + malformed, rows - aside, duplicates, sum(by_problem.values()), by_problem)
    if account.read != account.accepted + account.duplicates + account.rejected:
        raise RuntimeError(f"rows are unaccounted for: {account}")
    return account
