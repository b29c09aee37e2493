"""Gathers what a launch's report needs from lake and ledger, measures, and writes report.json and report.html."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from winback.accounts import Account
from winback.accounts.unknown_sends import UnknownSends
from winback.analytics.database import Limits, Sources
from winback.analytics.fates import fate
from winback.analytics.launch_page import launch_page
from winback.analytics.measurement import measure
from winback.analytics.report import LaunchReport
from winback.aws.lake import Lake, Row, orders_prefix
from winback.aws.launch_files import LaunchFiles
from winback.aws.ledger import Ledger
from winback.campaigns.launch import Launch, LaunchState
from winback.identifiers import SendId

READERS = 8  # objects and ledger batches fetched at a time
PAGE_TYPE = "text/html; charset=utf-8"


def write_report(
    launch: Launch,
    account: Account,
    lake: Lake,
    ledger: Ledger,
    now: datetime,
    *,
    wall: datetime | None = None,
    memory: str = "1500MB",
) -> LaunchReport:
    """Measures the launch as of `now` and replaces its report. Repeatable: the same facts give the same report.

    `wall`, the process's own time, says which sends are abandoned, and which unknown ones the account's policy settles.

    Rows of the ledger are read by key, as the plan names them; files pass through a temporary folder.
    """
    files = LaunchFiles(lake, launch)
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        sources = Sources(
            audience=_fetch(
                lake, [files.audience_key(line["chunk"]) for line in files.manifest()], scratch / "audience"
            ),
            fates=_fates(
                lake,
                [key for planned in launch.steps for key in files.planned_chunks(planned.step)],
                scratch / "fates",
                lambda plan: _with_rows(launch, ledger, plan, wall, account.unknown_sends),
            ),
            orders=_fetch(lake, lake.list(orders_prefix(account.account_id)), scratch / "orders"),
            paths=_paths(launch, lake, files, scratch / "paths"),
            offers=_fetch(lake, lake.list(f"{launch.prefix}offers/"), scratch / "offers"),
        )
        report = measure(
            launch,
            sources,
            currency=account.currency,
            zone=account.zone,
            computed_at=now,
            limits=Limits(memory=memory, directory=scratch / "spill"),
            caps=account.frequency_caps,
            dry_run=lake.find_json(files.dry_run_key),
        )
    lake.write_bytes(files.report_page_key, launch_page(report).encode(), content_type=PAGE_TYPE)
    lake.write_json(files.report_key, report.model_dump(mode="json"))
    return report


def _fates(lake: Lake, keys: Iterable[str], folder: Path, fates: Callable[[list[Row]], Iterable[Row]]) -> list[Path]:
    """One file for each live plan chunk, so that no more than some chunks are in memory."""
    folder.mkdir()
    return _each(keys, folder, lambda key, path: _write_rows(path, fates(lake.read_rows(key))))


def _with_rows(
    launch: Launch, ledger: Ledger, plan: list[Row], wall: datetime | None, unknown: UnknownSends
) -> Iterator[Row]:
    by_id = {row["send_id"]: SendId.parse(row["send_id"]) for row in plan}
    # Only a cancelled launch is reported while its last sends are being written.
    found = ledger.rows(by_id.values(), consistent=launch.state is LaunchState.CANCELLED)
    for row in plan:
        yield fate(row, found.get(by_id[row["send_id"]]), launch.state, wall=wall, unknown=unknown)


def _paths(launch: Launch, lake: Lake, files: LaunchFiles, folder: Path) -> list[Path]:
    """One file for each chunk of each branch that was asked, its rows with the branch's number."""
    folder.mkdir()
    branch_of = {
        key: branch.branch for branch in launch.branches for key in lake.list(files.paths_prefix(branch.branch))
    }

    def write(key: str, path: Path) -> None:
        _write_rows(path, ({**row, "branch": branch_of[key]} for row in lake.read_rows(key)))

    return _each(branch_of, folder, write)


def _fetch(lake: Lake, keys: Iterable[str], folder: Path) -> list[Path]:
    folder.mkdir()
    return _each(keys, folder, lake.download)


def _each(keys: Iterable[str], folder: Path, write: Callable[[str, Path], object]) -> list[Path]:
    """Numbered files, one a key. The first failure is raised."""
    paths = {
        key: folder / f"{number:06d}{'.parquet' if key.endswith('.parquet') else '.jsonl.gz'}"
        for number, key in enumerate(keys)
    }
    with ThreadPoolExecutor(READERS) as readers:
        for _ in readers.map(write, paths.keys(), paths.values()):
            pass
    return list(paths.values())


def _write_rows(path: Path, rows: Iterable[Row]) -> None:
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
