"""What one account contributes to a training run, as CSV files of the lake."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from winback.accounts import Account
from winback.aws.account_data import AccountData
from winback.aws.history import SnapshotHistory
from winback.aws.lake import Lake, snapshot_prefix, training_prefix
from winback.aws.refresh import Machine, download_all
from winback.features.examples import TooLittleHistory, write_examples
from winback.instants import format_instant
from winback.predictions.kinds import Kind
from winback.predictions.offers.records import decisions_prefix
from winback.predictions.offers.training_rows import create_decisions, write_train_and_test
from winback.predictions.send_time.lake_events import (
    TEST,
    open_segments,
    open_send_events,
    open_time_zones,
    write_training_rows,
)


@dataclass(frozen=True)
class Counts:
    """Rows of one account."""

    train: int
    test: int


@dataclass(frozen=True)
class ExampleWriter:
    lake: Lake
    history: SnapshotHistory
    machine: Machine

    def write(self, kind: Kind, run_id: str, account: Account, as_of: datetime) -> Counts:
        """Writes `train/{account}.csv`, `test/{account}.csv` and `counts/{account}.json`; nobody's key or id is in
        them. An account with too little data contributes nothing."""
        prefix = training_prefix(kind, run_id)
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            folder = Path(temporary)
            counts = _WRITERS[kind](self, connection, folder, account, as_of)
            for channel, rows in (("train", counts.train), ("test", counts.test)):
                if rows:
                    self.lake.upload(folder / f"{channel}.csv", f"{prefix}{channel}/{account.account_id}.csv")
        self.lake.write_json(f"{prefix}counts/{account.account_id}.json", {"train": counts.train, "test": counts.test})
        return counts

    def churn(self, connection: duckdb.DuckDBPyConnection, folder: Path, account: Account, as_of: datetime) -> Counts:
        """Facts at cuts in time, and who purchased afterwards."""
        self._open(connection, folder, account, as_of)
        scratch = folder / "scratch"
        scratch.mkdir()
        try:
            written = write_examples(
                connection,
                until=min(as_of, _known_until(connection, as_of)),
                train=folder / "train.csv",
                test=folder / "test.csv",
                scratch=scratch,
            )
        except TooLittleHistory:
            return Counts(0, 0)
        return Counts(written.train_rows, written.test_rows)

    def offer(self, connection: duckdb.DuckDBPyConnection, folder: Path, account: Account, as_of: datetime) -> Counts:
        """Decisions with the margin that followed; none before offers are decided."""
        decisions = download_all(self.lake, decisions_prefix(account.account_id), folder / "decisions")
        if not decisions:
            return Counts(0, 0)
        self._open(connection, folder, account, as_of)
        create_decisions(connection, decisions)
        written = write_train_and_test(connection, until=as_of, train=folder / "train.csv", test=folder / "test.csv")
        return Counts(written.train_rows, written.test_rows)

    def send_time(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, account: Account, as_of: datetime
    ) -> Counts:
        """When customers opened, clicked and ordered, in their local week."""
        data = self._open(connection, folder, account, as_of)
        open_time_zones(connection, json_lines=data.customer_files, as_of=as_of)
        open_segments(connection, self._segments_before(account, as_of - TEST, folder))
        open_send_events(connection, account_zone=account.time_zone, until=as_of)
        written = write_training_rows(
            connection,
            account_id=account.account_id,
            until=as_of,
            train=folder / "train.csv",
            test=folder / "test.csv",
        )
        return Counts(written.train_rows, written.test_rows)

    def _segments_before(self, account: Account, cut: datetime, folder: Path) -> Path | None:
        """Of the latest snapshot that knew nothing of what a model is judged by."""
        points = self.history.newest(account.account_id, limit=1, until=format_instant(cut)).points
        if not points:
            return None
        key = f"{snapshot_prefix(account.account_id, points[0].snapshot_id)}customers.parquet"
        return self.lake.download(key, folder / "segments.parquet")

    def _open(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, account: Account, as_of: datetime
    ) -> AccountData:
        """The relations `orders`, `touches` and `profiles`."""
        data = AccountData(self.lake, account, connection, folder)
        data.open_orders()
        data.open_touches(as_of)
        data.open_profiles(as_of)
        return data


def _known_until(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> datetime:
    """The day after the account's last purchase: of a store that sends no orders any more, all customers would seem to
    have left."""
    ((last,),) = connection.execute(
        """SELECT date_trunc('day', max(ordered_at)) + INTERVAL 1 DAY
           FROM orders WHERE amount_minor >= 0 AND ordered_at < $1""",
        [as_of.astimezone(UTC).replace(tzinfo=None)],
    ).fetchall()
    return last.replace(tzinfo=UTC) if last is not None else as_of


_Writer = Callable[[ExampleWriter, duckdb.DuckDBPyConnection, Path, Account, datetime], Counts]
_WRITERS: dict[Kind, _Writer] = {
    Kind.CHURN: ExampleWriter.churn,
    Kind.OFFER: ExampleWriter.offer,
    Kind.SEND_TIME: ExampleWriter.send_time,
}
