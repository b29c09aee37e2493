"""The first data step of a refresh: lake -> computed snapshot and parts to score.

Most days only the customers whose orders changed are computed from orders, and the others' histories carried from the
refresh before (winback/segmentation/increments.py). Everything is computed anew when there is none to start from, for a
backfill, when thresholds are calibrated, when something that all histories rest on changed, and every 28 days, when the
organic return is measured again.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from winback.accounts import Account
from winback.aws.account_data import AccountData
from winback.aws.imports import ImportStore
from winback.aws.lake import (
    Lake,
    adopted_rubric_key,
    orders_prefix,
    proposed_rubric_key,
    refresh_prefix,
)
from winback.aws.lifts import LiftStore
from winback.aws.playbook import PlaybookStore
from winback.aws.refresh import Machine, Refresh, download_keys, is_data
from winback.aws.snapshots import SnapshotStore
from winback.briefs.particulars import observe
from winback.identifiers import AccountId
from winback.instants import format_instant, parse_instant
from winback.playbook.calls import OBJECT as CALLS
from winback.playbook.calls import write_calls
from winback.rates.conversion import Conversion
from winback.segmentation.computed import write_computed, write_parts
from winback.segmentation.data_quality import Rows, measure
from winback.segmentation.increments import (
    Coverage,
    Work,
    forget_touched_orders,
    full_work,
    incremental_work,
    open_touched_orders,
    statements_fingerprint,
)
from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import Segment
from winback.segmentation.order_files import OrderFiles
from winback.segmentation.organic_return import OrganicReturn, observe_returns
from winback.segmentation.recalibration import is_proposal_due, recalibrate
from winback.segmentation.refresh_objects import manifest_line, summary_document
from winback.segmentation.rubric import Rubric, read_rubric, rubric_in_force
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.slices.lifts import measured_lifts

COMPUTED_ANEW = timedelta(days=28)
"""The organic return follows all orders: it is measured again this often, and with it everything is."""


@dataclass(frozen=True)
class Computer:
    lake: Lake
    snapshots: SnapshotStore
    imports: ImportStore
    playbooks: PlaybookStore
    lifts: LiftStore
    machine: Machine

    def compute(self, refresh: Refresh, account: Account) -> dict[str, Any]:
        """Segments the account's customers; returns what the workflow goes on with (docs/architecture.md)."""
        self.snapshots.begin(refresh.account_id, refresh.snapshot_id, refresh.as_of)
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            lines = _Computation(self, refresh, account, connection, Path(temporary)).run()
        self.snapshots.computed(refresh.account_id, refresh.snapshot_id, refresh.as_of)
        return {**refresh.describe(), "manifest": f"{refresh.work}manifest.jsonl", "parts": len(lines)}

    def rubric_in_force(self, refresh: Refresh) -> Rubric | None:
        latest = self.snapshots.latest(refresh.account_id)
        used = read_rubric(self.lake.read_json(f"{latest.prefix}rubric.json")) if latest is not None else None
        adopted = self.lake.find_json(adopted_rubric_key(refresh.account_id))
        return rubric_in_force(used, read_rubric(adopted) if adopted is not None else None, refresh.as_of)

    def proposes(self, refresh: Refresh, rubric: Rubric | None) -> bool:
        """Whether this refresh also works out what a recalibration would move."""
        if rubric is None or not rubric.is_due_for_review(refresh.as_of):
            return False
        proposal = self.lake.find_json(proposed_rubric_key(refresh.account_id))
        return is_proposal_due(rubric, refresh.as_of, proposal["as_of"] if proposal is not None else None)

    def measured_lifts(self, account_id: AccountId) -> dict[Segment, MeasuredLift]:
        return measured_lifts(self.lifts.of_account(account_id))

    def import_rows(self, account_id: AccountId) -> list[Rows]:
        return [
            Rows.of_rejects(job.outcome.read, job.outcome.rejects_by_reason)
            for job in self.imports.of_account(account_id)
            if job.outcome is not None
        ]


@dataclass(frozen=True)
class _Before:
    """The refresh of the latest snapshot, when it left what this one may start from."""

    coverage: Coverage
    organic: OrganicReturn
    prefix: str


@dataclass(frozen=True)
class _Opened:
    """The orders at hand: all of them, or those of the customers whose orders changed."""

    conversion: Conversion
    organic: OrganicReturn
    carried: bool


@dataclass(frozen=True)
class _Computation:
    """One attempt, on one connection and in one folder."""

    by: Computer
    refresh: Refresh
    account: Account
    connection: duckdb.DuckDBPyConnection
    folder: Path

    def run(self) -> list[dict[str, Any]]:
        """Returns the manifest's lines."""
        lake, refresh, account = self.by.lake, self.refresh, self.account
        files = {key: etag for key, etag in lake.versions(orders_prefix(account.account_id)).items() if is_data(key)}
        rubric = self.by.rubric_in_force(refresh)
        data = AccountData(lake, account, self.connection, self.folder)
        data.open_touches(refresh.as_of)
        data.open_profiles(refresh.as_of)
        opened = self._open(data, files, rubric)
        applied = build_snapshot(
            self.connection,
            as_of=refresh.as_of,
            rubric=rubric,
            trend_category=account.trend_category,
            currency=account.currency,
            histories_to=self.folder / "histories.parquet",
        )
        work = (incremental_work if opened.carried else full_work)(self.connection)
        self._write_summary(applied, opened, work)
        self._write_calls()
        write_computed(self.connection, self.folder / "computed.parquet")
        lake.upload(self.folder / "computed.parquet", f"{refresh.work}customers.parquet")
        lines = self._write_parts()
        lake.write_rows(f"{refresh.work}manifest.jsonl", lines)
        self._leave_for_the_next(files, applied, opened)
        return lines

    def _open(self, data: AccountData, files: dict[str, str], rubric: Rubric | None) -> _Opened:
        """The relation `orders`, and `carried_histories` when they are those of few customers."""
        local = dict(zip(files, download_keys(self.by.lake, files, self.folder / "orders"), strict=True))
        proposed = self.by.proposes(self.refresh, rubric)
        if rubric is not None and rubric.is_valid_at(self.refresh.as_of) and not proposed:
            before = self._before(self._coverage(files, rubric, foreign=False))
            if before is not None and self._open_touched(local, before):
                return _Opened(Conversion(currency=self.account.currency), before.organic, carried=True)
        conversion = data.open_orders(OrderFiles.of(local.values()))
        if rubric is not None and proposed:
            self._propose(rubric)
        organic = observe_returns(
            self.connection,
            as_of=self.refresh.as_of,
            trend_category=self.account.trend_category,
            settings=rubric.settings if rubric is not None else None,
            currency=self.account.currency,
        )
        return _Opened(conversion, organic, carried=False)

    def _before(self, now: Coverage) -> _Before | None:
        latest = self.by.snapshots.latest(self.refresh.account_id)
        if latest is None or latest.snapshot_id == self.refresh.snapshot_id:
            return None
        prefix = refresh_prefix(self.refresh.account_id, latest.snapshot_id)
        found = self.by.lake.find_json(f"{prefix}coverage.json")
        if found is None:
            return None
        before = _Before(
            Coverage.model_validate(found["coverage"]), OrganicReturn.model_validate(found["organic"]), prefix
        )
        measured = parse_instant(before.organic.until)
        fresh = self.refresh.as_of - measured < COMPUTED_ANEW
        return before if fresh and before.coverage.carries_to(now) else None

    def _open_touched(self, local: dict[str, Path], before: _Before) -> bool:
        histories = self.by.lake.download(f"{before.prefix}histories.parquet", self.folder / "before.parquet")
        carried = open_touched_orders(
            self.connection,
            covered=OrderFiles.of(path for key, path in local.items() if key in before.coverage.files),
            fresh=OrderFiles.of(path for key, path in local.items() if key not in before.coverage.files),
            histories=histories,
            since=parse_instant(before.coverage.as_of),
            as_of=self.refresh.as_of,
            currency=self.account.currency,
        )
        if not carried:
            forget_touched_orders(self.connection)
        return carried

    def _propose(self, rubric: Rubric) -> None:
        proposal = recalibrate(
            self.connection,
            self.refresh.as_of,
            rubric,
            trend_category=self.account.trend_category,
            currency=self.account.currency,
        )
        self.by.lake.write_json(proposed_rubric_key(self.refresh.account_id), proposal.model_dump(mode="json"))

    def _write_summary(self, rubric: Rubric, opened: _Opened, work: Work) -> None:
        currency, conversion = self.account.currency, opened.conversion
        summary = summarise(
            self.connection,
            as_of=self.refresh.as_of,
            currency=currency,
            rubric=rubric,
            organic=opened.organic,
            lifts=self.by.measured_lifts(self.refresh.account_id),
        )
        self.by.lake.write_json(f"{self.refresh.work}rubric.json", rubric.model_dump(mode="json"))
        self.by.lake.write_json(
            f"{self.refresh.work}summary.json",
            {
                **summary_document(
                    self.refresh.snapshot_id,
                    summary,
                    conversion=conversion,
                    counts=measure(self.connection),
                    import_rows=self.by.import_rows(self.refresh.account_id),
                    work=work,
                ),
                "particulars": observe(self.connection).model_dump(mode="json"),
            },
        )

    def _write_calls(self) -> None:
        playbook = self.by.playbooks.get(self.account.account_id)
        write_calls(self.connection, self.folder / CALLS, playbook.called)
        self.by.lake.upload(self.folder / CALLS, f"{self.refresh.work}{CALLS}")

    def _write_parts(self) -> list[dict[str, Any]]:
        """Uploads the parts to score; returns the manifest's lines."""
        refresh, lines = self.refresh, []
        for part in write_parts(self.connection, self.folder):
            key = f"{refresh.work}parts/part-{part.chunk:05d}.jsonl.gz"
            self.by.lake.write_bytes(key, part.path.read_bytes(), content_type="application/x-ndjson")
            lines.append(manifest_line(refresh.account_id, refresh.snapshot_id, part.chunk, key, part.rows))
        return lines

    def _leave_for_the_next(self, files: dict[str, str], rubric: Rubric, opened: _Opened) -> None:
        """The histories first: what coverage.json says is there, is."""
        self.by.lake.upload(self.folder / "histories.parquet", f"{self.refresh.work}histories.parquet")
        coverage = self._coverage(files, rubric, foreign=bool(opened.conversion.foreign))
        self.by.lake.write_json(
            f"{self.refresh.work}coverage.json",
            {"coverage": coverage.model_dump(mode="json"), "organic": opened.organic.model_dump(mode="json")},
        )

    def _coverage(self, files: dict[str, str], rubric: Rubric, *, foreign: bool) -> Coverage:
        return Coverage(
            as_of=format_instant(self.refresh.as_of),
            files=files,
            currency=self.account.currency,
            foreign_orders=foreign,
            trend_category=self.account.trend_category,
            premium=rubric.rhythm.premium,
            made_by=statements_fingerprint(),
        )
