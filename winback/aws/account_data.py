"""An account's orders, touches and customers of the lake, downloaded and opened as DuckDB relations."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import duckdb

from winback.accounts import Account
from winback.aws.lake import Lake, customers_prefix, engagement_prefix, orders_prefix, rates_prefix
from winback.aws.refresh import download_all
from winback.engagement.relations import open_profiles, open_touches
from winback.rates.conversion import Conversion
from winback.segmentation.order_files import OrderFiles, open_orders


@dataclass(frozen=True)
class AccountData:
    """Files are downloaded below `folder`, where they must stay as long as the relations are used."""

    lake: Lake
    account: Account
    connection: duckdb.DuckDBPyConnection
    folder: Path

    @cached_property
    def order_files(self) -> OrderFiles:
        """All of the account's, downloaded when first asked for."""
        return OrderFiles.of(download_all(self.lake, orders_prefix(self.account.account_id), self.folder / "orders"))

    @cached_property
    def customer_files(self) -> list[Path]:
        """JSON Lines; downloaded when first asked for."""
        return download_all(self.lake, customers_prefix(self.account.account_id), self.folder / "customers")

    def open_orders(self, files: OrderFiles | None = None) -> Conversion:
        """The relation `orders` in the account's currency by its rates, of these files or else of all; returns what was
        converted (winback.segmentation.order_files.open_orders)."""
        found = files if files is not None else self.order_files
        return open_orders(
            self.connection,
            parquet=found.parquet,
            json_lines=found.json_lines,
            currency=self.account.currency,
            rates=download_all(self.lake, rates_prefix(self.account.account_id), self.folder / "rates"),
        )

    def open_touches(self, as_of: datetime) -> None:
        """The relation `touches`: those before `as_of` (winback.engagement.relations.open_touches)."""
        prefix = engagement_prefix(self.account.account_id)
        files = OrderFiles.of(download_all(self.lake, prefix, self.folder / "touches"))
        open_touches(self.connection, parquet=files.parquet, json_lines=files.json_lines, as_of=as_of)

    def open_profiles(self, as_of: datetime) -> None:
        """The relation `profiles`, after `open_touches` of the same `as_of` (winback.engagement.relations)."""
        open_profiles(self.connection, json_lines=self.customer_files, as_of=as_of)
