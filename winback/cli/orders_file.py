"""What the commands over a file of orders share: their options' meaning, and refusals that say what to do."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import duckdb
import typer
from rich.console import Console

from winback.imports.compression import plain_file
from winback.imports.files import FileAccount, UnreadableFile, load_orders
from winback.instants import parse_instant
from winback.money import NO_CURRENCY
from winback.pages.figures import count
from winback.rates.conversion import Conversion, convert_orders
from winback.rates.files import create_rates, read_rates
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import Summary, summarise

BAD_INPUT = 2

Refuse = Callable[[str], NoReturn]

OrdersOption = Annotated[
    Path, typer.Option(help="CSV, JSON Lines or Parquet file of orders or order lines; may be gzip or zstd.")
]
AsOfOption = Annotated[
    str, typer.Option(help="Date or time (UTC) to judge from, exclusive: later orders do not exist yet.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="The file's columns: customer_id=COL,order_id=COL,... May be repeated."),
]
CurrencyOption = Annotated[
    str | None, typer.Option(help="ISO 4217 code of amounts without one, such as EUR. Default: two decimals, no unit.")
]
TrendOption = Annotated[str | None, typer.Option(help="Product category whose only-buyers form the Trend Audience.")]


@dataclass(frozen=True)
class LoadedOrders:
    """A connection with the table `orders`, all of one currency."""

    connection: duckdb.DuckDBPyConnection
    rows: FileAccount
    currency: str
    scratch: Path
    """A folder for copies, removed with the connection."""
    conversion: Conversion | None
    """What was converted, where rates were given."""


@dataclass(frozen=True)
class SegmentedOrders:
    """A connection with the tables `orders`, `facts` and `snapshot`, and what they add up to."""

    connection: duckdb.DuckDBPyConnection
    summary: Summary
    rows: FileAccount


def refusal(command: str) -> Refuse:
    """Ends `command` with exit code 2 and a message."""

    def refuse(message: str) -> NoReturn:
        escaped = message.replace("[", "\\[")
        Console(stderr=True).print(f"[bold red]{command}[/bold red]: {escaped}", soft_wrap=True)
        raise typer.Exit(BAD_INPUT)

    return refuse


def warn_on_terminal(message: str) -> None:
    Console(stderr=True).print(message, soft_wrap=True, markup=False)


@contextmanager
def loaded_orders(
    orders: Path,
    *,
    mapping: list[str] | None,
    currency: str | None,
    refuse: Refuse,
    rates: list[Path] | None = None,
    warn: Callable[[str], None] = warn_on_terminal,
    keep_rejects: Callable[[duckdb.DuckDBPyConnection, FileAccount], Path] | None = None,
    empty_is_fine: bool = True,
    doing: str | None = None,
) -> Iterator[LoadedOrders]:
    """Reads the file; whatever cannot be used is refused.

    With `rates` and a `currency` the orders are converted to it; `warn` hears which rates are not used.
    `keep_rejects` writes the rejects of a file without an accepted row, and says where. `empty_is_fine`: a header alone
    is taken for an export of a time without orders. `doing` is shown on a terminal while the file is read.
    """
    columns = mapping_of(mapping or [], refuse)
    check_currency(currency, refuse)
    for option, paths in (("--orders", [orders]), ("--rates", rates or [])):
        for path in paths:
            if not path.is_file():
                refuse(f"{option}: there is no file {path}")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config=limits(folder)) as connection:
        scratch = Path(folder)
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        if rates and currency:
            _load_rates(connection, rates, currency, scratch, warn=warn, refuse=refuse)
        try:
            with Console(stderr=True).status(doing) if doing else nullcontext():
                rows = load_orders(connection, orders, mapping=columns, default_currency=currency, scratch=scratch)
        except UnreadableFile as error:
            refuse(f"--orders: {error}")
        if not rows.accepted and (rows.rejected or not empty_is_fine):
            kept = f"; {keep_rejects(connection, rows)} says why of each" if keep_rejects and rows.rejected else ""
            reasons = reasons_of(rows) or "it has none"
            refuse(f"--orders: none of the {count(rows.read)} rows was accepted ({reasons}){kept}")
        if not rows.read:
            _refuse_empty(orders, scratch, refuse)
        conversion = convert_orders(connection, currency) if rates and currency else None
        yield LoadedOrders(connection, rows, _only_currency(connection, currency, refuse), scratch, conversion)


@contextmanager
def segmented_orders(
    orders: Path,
    *,
    as_of: str,
    mapping: list[str] | None,
    currency: str | None,
    trend_category: str | None,
    refuse: Refuse,
    with_organic: bool = False,
    rates: list[Path] | None = None,
) -> Iterator[SegmentedOrders]:
    """Reads and segments the file, as `loaded_orders` does; `with_organic`: the summary's priorities know who comes
    back unasked."""
    moment = moment_of(as_of, refuse)
    with loaded_orders(orders, mapping=mapping, currency=currency, rates=rates, refuse=refuse) as loaded:
        connection, used = loaded.connection, loaded.currency
        organic = None
        if with_organic:
            organic = observe_returns(connection, as_of=moment, trend_category=trend_category, currency=used)
        rubric = build_snapshot(connection, as_of=moment, trend_category=trend_category)
        summary = summarise(connection, as_of=moment, currency=used, rubric=rubric, organic=organic)
        yield SegmentedOrders(connection, summary, loaded.rows)


def moment_of(text: str, refuse: Refuse) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        refuse(f"--as-of: {text!r} {error}")


def mapping_of(options: list[str], refuse: Refuse) -> dict[str, str]:
    pairs = [pair for option in options for pair in option.split(",") if pair.strip()]
    mapping = {}
    for pair in pairs:
        name, separator, column = pair.partition("=")
        if not separator or not name.strip() or not column.strip():
            refuse(f"--map: {pair!r} is not NAME=COLUMN, such as customer_id=Email")
        if name.strip() in mapping:
            refuse(f"--map: {name.strip()} is given twice")
        mapping[name.strip()] = column.strip()
    return mapping


def check_currency(code: str | None, refuse: Refuse) -> None:
    if code is not None and not (len(code) == 3 and code.isalpha() and code.isupper()):
        refuse(f"--currency: {code!r} is not an ISO 4217 code such as EUR")


def limits(scratch: str) -> dict[str, Any]:
    return {"temp_directory": scratch, "autoinstall_known_extensions": False}


def reasons_of(rows: FileAccount) -> str:
    return "; ".join(f"{count(number)} x {reason}" for reason, number in rows.rejects_by_reason.items())


def _refuse_empty(orders: Path, scratch: Path, refuse: Refuse) -> None:
    """A file without a byte is no export; one of a time without orders has its header."""
    with plain_file(orders, scratch) as plain, plain.open("rb") as file:
        if not file.read(4096).removeprefix(b"\xef\xbb\xbf").strip():
            refuse(f"--orders: {orders} is empty")


def _only_currency(connection: duckdb.DuckDBPyConnection, given: str | None, refuse: Refuse) -> str:
    found = [row[0] for row in connection.execute("SELECT DISTINCT currency FROM orders ORDER BY 1").fetchall()]
    if len(found) > 1:
        refuse(
            f"--orders: the amounts are in {len(found)} currencies ({', '.join(found)}), and cannot be added up; "
            "winback segment converts them by --rates and --currency; or run once for each currency"
        )
    return found[0] if found else given or NO_CURRENCY


def _load_rates(
    connection: duckdb.DuckDBPyConnection,
    paths: list[Path],
    currency: str,
    scratch: Path,
    *,
    warn: Callable[[str], None],
    refuse: Refuse,
) -> None:
    """Makes the table `rates` of the files; warns of each that has rates which cannot be used."""
    quotes = []
    for path in paths:
        try:
            found = read_rates(path, default_base=currency, scratch=scratch)
        except UnreadableFile as error:
            refuse(f"--rates: {path}: {error}")
        if found.rejects:
            first = found.rejects[0]
            warn(
                f"--rates: {path}: {count(found.account.rejected)} of {count(found.account.read)} rates are not used "
                f"({reasons_of(found.account)}); the first is on line {first.line}"
            )
        quotes += found.quotes
    create_rates(connection, quotes)
