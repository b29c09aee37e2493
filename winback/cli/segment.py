"""`winback segment`: a file of orders in, segments with a report out."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    TrendOption,
    check_currency,
    limits,
    mapping_of,
    moment_of,
    only_currency,
    reasons_of,
    refusal,
    refuse_empty,
)
from winback.cli.rubric_files import RubricOption, chosen_rubric
from winback.imports.files import FileAccount, UnreadableFile, load_orders
from winback.pages.figures import count, percent
from winback.segmentation.organic_return import OrganicReturn, observe_returns
from winback.segmentation.page import segment_page
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import Summary, summarise

_refuse: Refuse = refusal("winback segment")
EXAMPLE = (
    "[bold]Example[/bold]: a shop's export with its own column names, judged as of the new year:\n\n"
    "winback segment --orders export.csv --as-of 2026-01-01 --out segments "
    "--map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total\n\n"
    "Columns: customer_id, order_id, ordered_at, amount; optional currency, discount, category, sku, quantity. "
    "Negative amounts are returns: they reduce value and never count as purchases."
)


def segment(
    *,
    orders: OrdersOption,
    as_of: AsOfOption,
    out: Annotated[Path, typer.Option(help="Folder for snapshot.parquet, summary.json, rubric.json and report.html.")],
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    trend_category: TrendOption = None,
    rubric: RubricOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json, and nothing else, to stdout.")] = False,
) -> None:
    """Put every customer into one of 13 segments, 5 families and one cell of the playbook grid."""
    moment = moment_of(as_of, _refuse)
    columns = mapping_of(mapping or [], _refuse)
    check_currency(currency, _refuse)
    if not orders.is_file():
        _refuse(f"--orders: there is no file {orders}")
    if out.exists() and not out.is_dir():
        _refuse(f"--out: {out} is a file; name a folder")

    with (
        _writable(out),
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(config=limits(scratch)) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        try:
            account = load_orders(connection, orders, mapping=columns, default_currency=currency, scratch=Path(scratch))
        except UnreadableFile as error:
            _refuse(f"--orders: {error}")
        _refuse_nothing(connection, orders, out, account, Path(scratch))
        used = only_currency(connection, currency, _refuse)
        frozen, settings = chosen_rubric(rubric, moment, used, _refuse)
        organic = observe_returns(
            connection,
            as_of=moment,
            trend_category=trend_category,
            settings=settings or (frozen.settings if frozen is not None else None),
            currency=used,
        )
        applied = build_snapshot(
            connection,
            as_of=moment,
            rubric=frozen,
            trend_category=trend_category,
            settings=settings,
            currency=used,
        )
        summary = summarise(connection, as_of=moment, currency=used, rubric=applied, organic=organic)
        document = _document(summary, account, organic, applied)
        with _writing(out):
            _write_snapshot(connection, out)
            _write_rejects(connection, out, account)
            (out / "summary.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            (out / "rubric.json").write_text(applied.model_dump_json(indent=1) + "\n", encoding="utf-8")
            (out / "report.html").write_text(segment_page(summary, account, organic), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    else:
        _show(summary, account, out)


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Makes the folder, so that one that cannot be written is refused before the work; a refusal leaves none behind."""
    made: list[Path] = []
    with _writing(out):
        made += [folder for folder in (out, *out.parents) if not folder.exists()]
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    try:
        yield
    except typer.Exit:
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()
        raise


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _refuse(f"--out: cannot write to {out}: {error.strerror or error}")
    except duckdb.IOException as error:
        _refuse(f"--out: cannot write to {out}: {error}")


def _refuse_nothing(
    connection: duckdb.DuckDBPyConnection, orders: Path, out: Path, account: FileAccount, scratch: Path
) -> None:
    """A file that gives no order says nothing of the customers; an export of a time without orders has its header."""
    if account.rejected and not account.accepted:
        with _writing(out):
            _write_rejects(connection, out, account)
        _refuse(
            f"--orders: none of the {count(account.read)} rows was accepted ({reasons_of(account)}); "
            f"{out / 'rejects.csv'} says why of each"
        )
    if not account.read:
        refuse_empty(orders, scratch, _refuse)


def _write_snapshot(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    snapshot = connection.table("snapshot").order("customer_id")
    snapshot.write_parquet(str(out / "snapshot.parquet"), compression="zstd")


def _write_rejects(connection: duckdb.DuckDBPyConnection, out: Path, account: FileAccount) -> None:
    rejects = out / "rejects.csv"
    rejects.unlink(missing_ok=True)
    if account.rejected:
        connection.table("rejects").project("line, field, problem, reason").write_csv(str(rejects))


def _document(summary: Summary, account: FileAccount, organic: OrganicReturn, rubric: Rubric) -> dict[str, Any]:
    return {
        **summary.model_dump(mode="json", exclude={"rubric"}),
        "rows": {
            "read": account.read,
            "accepted": account.accepted,
            "duplicates": account.duplicates,
            "rejected": account.rejected,
            "rejects_by_reason": account.rejects_by_reason,
        },
        "organic_return": organic.model_dump(mode="json"),
        "rubric": rubric.model_dump(mode="json"),
        "base_lapse_days": rubric.rhythm.base_lapse_days,
    }


def _show(summary: Summary, account: FileAccount, out: Path) -> None:
    console = Console()
    grid = Table(title=f"{count(summary.total.customers)} customers as of {summary.as_of[:10]} (exclusive)")
    grid.add_column("Family")
    grid.add_column("Segment")
    for heading in ("Customers", "Share", "Lapsed"):
        grid.add_column(heading, justify="right")
    for row in summary.segments:
        share = row.customers / summary.total.customers if summary.total.customers else None
        grid.add_row(row.family, row.segment, count(row.customers), percent(share), count(row.lapsed))
    console.print(grid)
    console.print(
        f"Rows: {count(account.read)} read = {count(account.accepted)} accepted "
        f"+ {count(account.duplicates)} duplicates + {count(account.rejected)} rejected"
    )
    for reason, number in account.rejects_by_reason.items():
        console.print(f"  {count(number)}  {reason}")
    console.print(f"Report: {out / 'report.html'}", soft_wrap=True)
