"""`winback segment`: a file of orders in, segments with a report out."""

import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    TrendOption,
    loaded_orders,
    moment_of,
    refusal,
    warn_on_terminal,
)
from winback.cli.rates import describe
from winback.cli.rubric_files import RubricOption, chosen_rubric
from winback.imports.files import FileAccount
from winback.pages.figures import count, percent
from winback.rates.conversion import Conversion
from winback.segment_report.contents import ClusterTrack, FoundSlice, SegmentReport
from winback.segment_report.history import observe_history
from winback.segment_report.page import segment_page
from winback.segmentation.archetypes import Archetypes, reconcile
from winback.segmentation.data_quality import Rows, assess, measure
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import Summary, summarise
from winback.segmentation.suppression import SHOW_ALL, suppress
from winback.slices.preview import ground_of, preview
from winback.slices.problems import ConditionRefused
from winback.slices.recipes import shipped_recipes

_refuse: Refuse = refusal("winback segment")
EXAMPLE = (
    "[bold]Example[/bold]: a shop's export with its own column names, judged as of the new year:\n\n"
    "winback segment --orders export.csv --as-of 2026-01-01 --out segments "
    "\\\n  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total\n\n"
    "Columns: customer_id, order_id, ordered_at, amount; optional currency, discount, cost, category, sku, quantity. "
    "Negative amounts are returns: they reduce value and never count as purchases."
)


def segment(
    *,
    orders: OrdersOption,
    as_of: AsOfOption,
    out: Annotated[Path, typer.Option(help="Folder for snapshot.parquet, summary.json, rubric.json and report.html.")],
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    rates: Annotated[
        list[Path] | None,
        typer.Option(help="Exchange rates (ECB, Bank of England) for orders in other currencies than --currency."),
    ] = None,
    trend_category: TrendOption = None,
    rubric: RubricOption = None,
    archetypes: Annotated[
        Path | None, typer.Option(help="Folder of python -m ml.archetypes, to lay clusters beside the segments.")
    ] = None,
    hide_below: Annotated[
        int, typer.Option(min=SHOW_ALL, help="Hide figures of fewer customers in summary.json and report.html.")
    ] = SHOW_ALL,
    with_ids: Annotated[
        bool, typer.Option("--with-ids", help="Name the customers in snapshot.parquet; without it they have keys only.")
    ] = False,
    salt: Annotated[
        str | None, typer.Option(help="Key salt of the account: its customer keys. Default: a fresh one, kept nowhere.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json, and nothing else, to stdout.")] = False,
) -> None:
    """Put every customer into one of 13 segments, 5 families and one cell of the playbook grid."""
    moment = moment_of(as_of, _refuse)
    if rates and currency is None:
        _refuse("--rates: name the currency to convert to with --currency, such as --currency GBP")
    if out.exists() and not out.is_dir():
        _refuse(f"--out: {out} is a file; name a folder")

    warnings: list[str] = []
    with (
        _writable(out),
        loaded_orders(
            orders,
            mapping=mapping,
            currency=currency,
            rates=rates,
            refuse=_refuse,
            warn=warnings.append,
            keep_rejects=partial(_keep_rejects, out),
        ) as loaded,
    ):
        connection, account, used = loaded.connection, loaded.rows, loaded.currency
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
        history = observe_history(
            connection, applied, as_of=moment, folder=loaded.scratch, trend_category=trend_category
        )
        summary = summarise(connection, as_of=moment, currency=used, rubric=applied, organic=organic)
        _key_customers(connection, salt or secrets.token_hex(16))
        report = SegmentReport(
            summary=summary,
            rows=account,
            organic=organic,
            history=history,
            slices=_slices(connection, summary, hide_below),
            gaps=assess(
                measure(connection),
                [Rows.of_rejects(account.read, account.rejects_by_reason)],
                hidden_below=hide_below,
            ),
            clusters=_clusters(connection, archetypes, loaded.scratch) if archetypes is not None else None,
            conversion=loaded.conversion,
            hidden_below=hide_below,
            notes=warnings,
        )
        document = _document(report, applied)
        with _writing(out):
            _write_snapshot(connection, out, with_ids=with_ids)
            _write_rejects(connection, out, account)
            (out / "summary.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            (out / "rubric.json").write_text(applied.model_dump_json(indent=1) + "\n", encoding="utf-8")
            (out / "report.html").write_text(segment_page(report), encoding="utf-8")
    for warning in warnings:
        warn_on_terminal(warning)
    if as_json:
        typer.echo(json.dumps(document, indent=1))
    else:
        _show(summary, account, loaded.conversion, out)


def _key_customers(connection: duckdb.DuckDBPyConnection, salt: str) -> None:
    """Table `customers`: the snapshot by customer_key, as a refresh has it, and the store's own customer_id."""
    connection.execute(
        "CREATE TEMP TABLE customers AS "
        "SELECT substr(sha256(? || ':' || customer_id), 1, 32) AS customer_key, * FROM snapshot",
        [salt],
    )


def _slices(connection: duckdb.DuckDBPyConnection, summary: Summary, hide_below: int) -> Sequence[FoundSlice]:
    moment = moment_of(summary.as_of, _refuse)
    ground = ground_of(connection, as_of=moment, currency=summary.currency, slices={})
    found = []
    for recipe in shipped_recipes().values():
        try:
            selected = preview(connection, recipe.condition, ground, as_of=summary.as_of, hidden_below=hide_below)
        except ConditionRefused as refused:
            found.append(FoundSlice(recipe, None, str(refused)))
        else:
            found.append(FoundSlice(recipe, selected))
    return found


def _clusters(connection: duckdb.DuckDBPyConnection, folder: Path, scratch: Path) -> ClusterTrack:
    described, assignments = folder / "archetypes.json", folder / "assignments.csv"
    try:
        found = Archetypes.model_validate_json(described.read_bytes())
        if not assignments.is_file():
            raise FileNotFoundError(2, "no such file", str(assignments))
    except OSError as error:
        _refuse(f"--archetypes: cannot read {error.filename}: run python -m ml.archetypes --help first")
    except ValidationError:
        _refuse(f"--archetypes: {described} is not what python -m ml.archetypes writes")
    snapshot = scratch / "segments.parquet"
    connection.table("customers").project("customer_key, segment").write_parquet(str(snapshot))
    matrix = reconcile(connection, found, snapshot=snapshot, assignments=assignments)
    if not any(row.customers for row in matrix.rows):
        _refuse("--archetypes: none of its customers is here; give both runs the same --salt")
    return ClusterTrack(found, matrix)


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


def _keep_rejects(out: Path, connection: duckdb.DuckDBPyConnection, account: FileAccount) -> Path:
    with _writing(out):
        return _write_rejects(connection, out, account)


def _write_snapshot(connection: duckdb.DuckDBPyConnection, out: Path, *, with_ids: bool) -> None:
    columns = "*" if with_ids else "* EXCLUDE (customer_id)"
    snapshot = connection.table("customers").project(columns).order("customer_key")
    snapshot.write_parquet(str(out / "snapshot.parquet"), compression="zstd")


def _write_rejects(connection: duckdb.DuckDBPyConnection, out: Path, account: FileAccount) -> Path:
    rejects = out / "rejects.csv"
    rejects.unlink(missing_ok=True)
    if account.rejected:
        connection.table("rejects").project("line, field, problem, reason").write_csv(str(rejects))
    return rejects


def _document(report: SegmentReport, rubric: Rubric) -> dict[str, Any]:
    account, history = report.rows, report.history
    shown = suppress(report.summary, report.hidden_below)
    hides = report.hidden_below > SHOW_ALL
    return {
        **shown.model_dump(mode="json", exclude={"rubric"}),
        "rows": {
            "read": account.read,
            "accepted": account.accepted,
            "duplicates": account.duplicates,
            "rejected": account.rejected,
            "rejects_by_reason": account.rejects_by_reason,
        },
        # Matrices and series of small counts, and cohorts across the tables, would give hidden rows away.
        "organic_return": None if hides else report.organic.model_dump(mode="json"),
        "movement": None if hides or history.movement is None else history.movement.model_dump(mode="json"),
        "moved_since": history.since,
        "newly_lapsed": None if hides else history.newly_lapsed,
        "slices": None if hides else [_slice(found) for found in report.slices],
        "data_quality": [gap.model_dump(mode="json") for gap in report.gaps],
        "reconciliation": (
            report.clusters.reconciliation.model_dump(mode="json") if report.clusters and not hides else None
        ),
        "conversion": report.conversion.model_dump(mode="json") if report.conversion else None,
        "rubric": None if hides else rubric.model_dump(mode="json"),  # its cut-offs are what single customers spent
        "base_lapse_days": rubric.rhythm.base_lapse_days,
    }


def _slice(found: FoundSlice) -> dict[str, Any]:
    selected = found.preview.selected if found.preview is not None else None
    return {
        "name": found.recipe.name,
        "title": found.recipe.title,
        "selected": selected.model_dump(mode="json") if selected is not None else None,
        "why_not": found.why_not or None,
    }


def _show(summary: Summary, account: FileAccount, conversion: Conversion | None, out: Path) -> None:
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
    for line in describe(conversion) if conversion is not None and conversion.foreign else []:
        console.print(line)
    console.print(f"Report: {out / 'report.html'}", soft_wrap=True)
