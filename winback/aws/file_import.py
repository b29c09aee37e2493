"""Takes one uploaded file into the lake and the tables. Repeating it, also after a crash anywhere, changes nothing."""

import gzip
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from winback.accounts import Account
from winback.aws import lake as lake_keys
from winback.aws.contacts import OTHER_TOOLS_DAYS, ContactBook
from winback.aws.customers import ProfileStore
from winback.aws.lake import Lake, Replaced
from winback.aws.orders import Activity, OrderMarkers
from winback.customers import Customer, row_of
from winback.engagement.files import load_events, sends_of_others, set_known_events_aside, unsubscriptions, write_events
from winback.engagement.unsubscriptions import denials
from winback.identifiers import CustomerKey
from winback.imports.errors import UnreadableFile
from winback.imports.files import FileAccount, load_customers, load_orders
from winback.imports.jobs import ImportJob, Outcome
from winback.imports.lake_files import (
    latest_purchases,
    read_customers,
    restated_orders,
    set_known_orders_aside,
    write_orders,
    write_rejects,
)
from winback.rates.files import create_rates, create_rejects, read_rates
from winback.rates.lake_files import set_known_rates_aside, write_rates

DOWNLOAD_THREADS = 16
REPLACED = "another file was uploaded with the same form while this one was read: start a new import for it"


@dataclass(frozen=True)
class FileImport:
    """`memory` is DuckDB's limit, such as `1500MB`; beyond it DuckDB spills into the scratch folder."""

    lake: Lake
    profiles: ProfileStore
    activity: Activity
    markers: OrderMarkers
    contacts: ContactBook
    memory: str = "1500MB"
    threads: int = 2

    def run(
        self, account: Account, job: ImportJob, etag: str, *, now: datetime, scratch: Path | None = None
    ) -> tuple[Outcome, str | None]:
        """The outcome, and the key of the rejects when there are any. Reads the upload of that ETag and no other.

        Raises UnreadableFile (winback.imports.errors) when the file as a whole cannot be read.
        """
        with TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            source = lake_keys.upload_key(account.account_id, job.import_id)
            try:
                upload = self.lake.download_exactly(source, etag, folder / "upload")
            except Replaced:
                raise UnreadableFile(REPLACED) from None
            limits: dict[str, str | bool | int | float | list[str]] = {
                "memory_limit": self.memory,
                "threads": self.threads,
                "temp_directory": str(folder / "spill"),
            }
            with duckdb.connect(config=limits) as connection:
                if job.kind == "orders":
                    outcome = self._orders(connection, account, job, upload, now)
                elif job.kind == "events":
                    outcome = self._events(connection, account, job, upload, now)
                elif job.kind == "rates":
                    outcome = self._rates(connection, account, job, upload, now)
                else:
                    outcome = self._customers(connection, account, job, upload, now)
                return outcome, self._rejects(connection, account, job, outcome, folder)

    def _orders(
        self, connection: DuckDBPyConnection, account: Account, job: ImportJob, upload: Path, now: datetime
    ) -> Outcome:
        folder = upload.parent
        counts = load_orders(
            connection,
            upload,
            mapping=job.mapping,
            default_currency=account.currency,
            format=job.format,
            now=now,
            scratch=folder,
        )
        target = lake_keys.orders_key(account.account_id, job.received, f"{job.import_id}.parquet")
        held = self._download(
            [key for key in self.lake.list(lake_keys.orders_prefix(account.account_id)) if key != target], folder
        )
        known = set_known_orders_aside(
            connection,
            parquet=[path for path in held if path.suffix == ".parquet"],
            json_lines=[path for path in held if path.suffix == ".gz"],
            salt=account.key_salt,
            received_at=job.created_at,
        )
        written = folder / "orders.parquet"
        if write_orders(connection, written):
            self.lake.upload(written, target)
            self.markers.forget(account.account_id, restated_orders(connection))
            since = self.activity.matters_since(account.account_id)
            if since is not None:
                latest = {CustomerKey(key): moment for key, moment in latest_purchases(connection, since).items()}
                self.activity.raise_to(account.account_id, latest)
        return _outcome(counts).with_known(known)

    def _customers(
        self, connection: DuckDBPyConnection, account: Account, job: ImportJob, upload: Path, now: datetime
    ) -> Outcome:
        counts = load_customers(
            connection, upload, mapping=job.mapping, format=job.format, now=now, scratch=upload.parent
        )
        changed, rows = 0, upload.parent / "customers.jsonl.gz"
        with rows.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            for customers in read_customers(connection):
                news = self.profiles.upsert(account, customers, received_at=job.created_at, statement=job.import_id)
                changed += len(news)
                packed.writelines(_line(row_of(customer, _key(account, customer), job.created_at)) for customer in news)
        if changed:
            name = f"{job.import_id}.jsonl.gz"
            self.lake.upload(rows, lake_keys.customers_key(account.account_id, job.received, name))
        return _outcome(counts).with_known(counts.accepted - changed)

    def _events(
        self, connection: DuckDBPyConnection, account: Account, job: ImportJob, upload: Path, now: datetime
    ) -> Outcome:
        """What customers left elsewhere is denied here too, and what other tools sent lately counts for the caps;
        before anything tells that the events are known."""
        folder = upload.parent
        counts = load_events(connection, upload, mapping=job.mapping, format=job.format, now=now, scratch=folder)
        target = lake_keys.engagement_key(account.account_id, job.received, f"{job.import_id}.parquet")
        told = [key for key in self.lake.list(lake_keys.engagement_prefix(account.account_id)) if _of_store(key)]
        held = self._download([key for key in told if key != target], folder)
        known = set_known_events_aside(
            connection,
            parquet=[path for path in held if path.suffix == ".parquet"],
            json_lines=[path for path in held if path.suffix == ".gz"],
            salt=account.key_salt,
        )
        self.profiles.deny(account.account_id, denials(unsubscriptions(connection)), unknown_too=True)
        since = now - timedelta(days=OTHER_TOOLS_DAYS)
        self.contacts.add_touches(account.account_id, sends_of_others(connection, since), now)
        written = folder / "events.parquet"
        if write_events(connection, written):
            self.lake.upload(written, target)
        return _outcome(counts).with_known(known)

    def _rates(
        self, connection: DuckDBPyConnection, account: Account, job: ImportJob, upload: Path, now: datetime
    ) -> Outcome:
        folder = upload.parent
        found = read_rates(upload, mapping=job.mapping, default_base=account.currency, now=now, scratch=folder)
        create_rates(connection, found.quotes)
        create_rejects(connection, found.rejects)
        target = lake_keys.rates_key(account.account_id, job.received, job.import_id)
        held = [key for key in self.lake.list(lake_keys.rates_prefix(account.account_id)) if key != target]
        known = set_known_rates_aside(connection, self._download(held, folder))
        written = folder / "rates.parquet"
        if write_rates(connection, written, job.created_at):
            self.lake.upload(written, target)
        return _outcome(found.account).with_known(known)

    def _rejects(
        self, connection: DuckDBPyConnection, account: Account, job: ImportJob, outcome: Outcome, folder: Path
    ) -> str | None:
        if not outcome.rejected:
            return None
        key = lake_keys.rejects_key(account.account_id, job.import_id)
        write_rejects(connection, folder / "rejects.jsonl.gz")
        self.lake.upload(folder / "rejects.jsonl.gz", key)
        return key

    def _download(self, object_keys: Sequence[str], folder: Path) -> list[Path]:
        def one(numbered: tuple[int, str]) -> Path:
            number, key = numbered
            return self.lake.download(key, folder / "held" / f"{number}{Path(key).suffix}")

        with ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:
            return list(pool.map(one, enumerate(object_keys)))


def _key(account: Account, customer: Customer) -> CustomerKey:
    return account.customer_key(customer.customer_id)


def _of_store(key: str) -> bool:
    """Whether the engagement object came from a store; what our own sends tell has other touch ids."""
    return not key.rpartition("/")[2].startswith("exp-")


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _outcome(counts: FileAccount) -> Outcome:
    return Outcome(
        read=counts.read,
        accepted=counts.accepted,
        duplicates=counts.duplicates,
        rejected=counts.rejected,
        rejects_by_reason=counts.rejects_by_reason,
    )
