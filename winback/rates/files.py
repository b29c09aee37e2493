"""Reads a file of exchange rates and accounts for every rate of it."""

import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from shutil import copyfileobj

from duckdb import DuckDBPyConnection

from winback.fields import LEEWAY
from winback.imports.compression import plain_file
from winback.imports.errors import UnreadableFile
from winback.imports.files import FileAccount
from winback.rates.formats import Statement, read_statements
from winback.rates.quotes import DECIMALS, REASONS, Problem, Quote, code_of, day_of, rate_of

ZIP_MAGIC = b"PK\x03\x04"
_LARGEST_PLAIN_BYTES = 1024**3


@dataclass(frozen=True)
class Reject:
    line: int
    problem: str
    reason: str
    row: str

    @property
    def field(self) -> str | None:
        """None when it is the row as a whole."""
        field, _, _ = self.problem.partition(": ")
        return None if field == "row" else field


@dataclass(frozen=True)
class RatesFile:
    """Each (day, currency, base) has one quote. `account` counts rates: an empty cell of a wide file is none."""

    quotes: list[Quote]
    rejects: list[Reject]
    account: FileAccount


def read_rates(
    path: Path | str,
    *,
    mapping: Mapping[str, str] | None = None,
    default_base: str | None = None,
    now: datetime | None = None,
    scratch: Path | None = None,
) -> RatesFile:
    """Of a file in a format of winback.rates.formats; plain, gzip, zstd, or a ZIP archive of that one file.

    `mapping` names the columns of plain rows (`day`, `currency`, `rate`, `base`), `default_base` the currency for
    whose unit their rates are when there is no column `base`. With `now`, days more than a day later are rejected. A
    rate that is given again is a duplicate; with another value, it is rejected.

    Raises UnreadableFile for a file that is none of them, UnknownColumn for a column that is not there.
    """
    latest = (now + LEEWAY).date() if now else None
    quotes: dict[tuple[date, str, str], tuple[Decimal, int]] = {}
    rejects: list[Reject] = []
    duplicates = 0
    with (
        tempfile.TemporaryDirectory(dir=scratch) as folder,
        plain_file(Path(path), Path(folder)) as plain,
        _unzipped(plain, Path(folder)) as file,
    ):
        for statement in read_statements(file, mapping or {}, default_base):
            try:
                quote = _quote_of(statement, latest)
            except Problem as problem:
                rejects.append(_reject(statement, str(problem)))
                continue
            key = (quote.day, quote.currency, quote.base)
            if key not in quotes:
                quotes[key] = (quote.rate, statement.line)
            elif quotes[key][0] == quote.rate:
                duplicates += 1
            else:
                rejects.append(_reject(statement, "rate: given twice", quotes[key][1]))
    by_problem = dict(sorted(Counter(reject.problem for reject in rejects).items()))
    account = FileAccount(len(quotes) + duplicates + len(rejects), len(quotes), duplicates, len(rejects), by_problem)
    return RatesFile([Quote(*key, rate) for key, (rate, _) in quotes.items()], rejects, account)


def create_rates(connection: DuckDBPyConnection, quotes: Iterable[Quote]) -> None:
    """The table `rates(day DATE, currency, base, rate DECIMAL(18,9))`; of a (day, currency, base) the last counts."""
    rows = {(quote.day, quote.currency, quote.base): quote.rate for quote in quotes}
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE rates (day DATE, currency VARCHAR, base VARCHAR, rate DECIMAL(18, 9))"
    )
    if rows:
        connection.execute(
            "INSERT INTO rates SELECT CAST(unnest($days) AS DATE), unnest($currencies), unnest($bases), "
            "CAST(unnest($rates) AS DECIMAL(18, 9))",
            {
                "days": [day.isoformat() for day, _, _ in rows],
                "currencies": [currency for _, currency, _ in rows],
                "bases": [base for _, _, base in rows],
                "rates": [f"{rate:.{DECIMALS}f}" for rate in rows.values()],
            },
        )


def create_rejects(connection: DuckDBPyConnection, rejects: Iterable[Reject]) -> None:
    """The table `rejects(line, field, problem, reason, row)`, as files of orders have it."""
    rows = list(rejects)
    connection.execute(
        "CREATE OR REPLACE TABLE rejects (line BIGINT, field VARCHAR, problem VARCHAR, reason VARCHAR, row VARCHAR)"
    )
    if rows:
        connection.execute(
            "INSERT INTO rejects "
            "SELECT unnest($lines), unnest($fields), unnest($problems), unnest($reasons), unnest($rows)",
            {
                "lines": [reject.line for reject in rows],
                "fields": [reject.field for reject in rows],
                "problems": [reject.problem for reject in rows],
                "reasons": [reject.reason for reject in rows],
                "rows": [reject.row for reject in rows],
            },
        )


def _quote_of(statement: Statement, latest: date | None) -> Quote:
    """Raises Problem, for the first of its fields that has one."""
    if statement.problem:
        raise Problem(statement.problem)
    day = day_of(statement.day)
    if latest is not None and day > latest:
        raise Problem("day: in the future")
    currency, base = code_of("currency", statement.currency), code_of("base", statement.base)
    if currency == base:
        raise Problem("currency: its own base")
    return Quote(day, currency, base, rate_of(statement.rate))


def _reject(statement: Statement, problem: str, first_line: int | None = None) -> Reject:
    reason = REASONS[problem].replace("{line}", str(first_line))
    return Reject(statement.line, problem, reason, statement.row)


@contextmanager
def _unzipped(path: Path, folder: Path) -> Iterator[Path]:
    """The only member of a ZIP archive, as the ECB serves its CSV; any other file itself."""
    with path.open("rb") as file:
        if file.read(4) != ZIP_MAGIC:
            yield path
            return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise UnreadableFile(f"the ZIP archive has {len(members)} files: expected the one with the rates")
            if members[0].file_size > _LARGEST_PLAIN_BYTES:
                raise UnreadableFile(f"the archive unpacks to more than {_LARGEST_PLAIN_BYTES:,} bytes")
            target = folder / "member"
            with archive.open(members[0]) as packed, target.open("wb") as plain:
                copyfileobj(packed, plain)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(f"the file is a ZIP archive but broken: {error}") from None
    yield target
