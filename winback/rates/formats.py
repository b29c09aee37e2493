"""The formats that rates come in, told from the content. Each gives statements: the text of one quote, and its line.

- The ECB's `eurofxref-hist.csv`, one column a currency in units for one euro, `N/A` where there was no rate; the same
  as XML (`eurofxref-hist-90d.xml`); the ZIP archive that the former comes in. From
  https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html
- The Bank of England's CSV, one column a series (`DATE,XUDLUSS,...`, `02 Jan 2014`) in units for one pound, from
  https://www.bankofengland.co.uk/boeapps/database/Rates.asp?into=GBP
- Any other source as plain rows: day, currency, rate, and base where it is not the account's currency.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from xml.parsers import expat

from winback.imports.columns import RATES
from winback.imports.csv_records import Malformed, records
from winback.imports.csv_staging import Header, read_header
from winback.imports.errors import UnreadableFile
from winback.rates.series import STERLING_SERIES

EXPECTED = (
    "expected the ECB's eurofxref-hist.csv (Date,USD,JPY,...) or its XML, "
    "the Bank of England's CSV (DATE,XUDLUSS,...), "
    "or a CSV with the columns day, currency, rate and, where it is not the account's currency, base"
)
_NO_RATE = {"", "N/A", "n/a", "-"}
_CODE = re.compile(r"[A-Z]{3}")
_SERIES = re.compile(r"\bXUDL[A-Z0-9]{3,4}\b")


@dataclass(frozen=True)
class Statement:
    """What a file says of one rate, as text. `problem` says why it could not be split into fields, or which."""

    line: int
    day: str
    currency: str
    base: str
    rate: str
    row: str  # as JSON, or the line as it is
    problem: str | None = None


def read_statements(path: Path, mapping: Mapping[str, str], default_base: str | None) -> Iterator[Statement]:
    """Of a plain file (no archive). Raises UnreadableFile, before the first statement or where the text is no UTF-8."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return _ecb_xml(path)
    header = read_header(path)
    if header is None:
        raise UnreadableFile(f"the file is empty: {EXPECTED}")
    return _records(path, header, _reader_of(header, mapping, default_base))


Reader = Callable[[int, Sequence[str]], Iterator[Statement]]


def _reader_of(header: Header, mapping: Mapping[str, str], default_base: str | None) -> Reader:
    names = header.names
    if mapping or {"day", "currency", "rate"} <= set(names):
        return _plain(RATES.choose(mapping, names), names, default_base)
    series = {name: found[0] for name in names if (found := _SERIES.search(name))}
    if any(code in STERLING_SERIES for code in series.values()):
        currencies = {name: STERLING_SERIES.get(code) for name, code in series.items()}
        return _wide(names, [currencies.get(name) for name in names], "GBP")
    if names[0].lower() == "date" and any(_CODE.fullmatch(name) for name in names[1:]):
        if "EUR" in names:
            raise UnreadableFile(
                "a file with one column a currency is read as the ECB's, for one euro, but this one has a column EUR: "
                "give day, currency, rate and base, a row each"
            )
        return _wide(names, names, "EUR")
    raise UnreadableFile(
        f"the file is of no known format of exchange rates: {EXPECTED}; its columns: {', '.join(names)}"
    )


def _records(path: Path, header: Header, statements: Reader) -> Iterator[Statement]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            for record in islice(records(source, header.delimiter, len(header.names)), 1, None):
                if isinstance(record, Malformed):
                    yield Statement(record.line, "", "", "", "", record.text, record.problem)
                else:
                    yield from statements(record.line, record.fields)
    except UnicodeDecodeError as error:
        raise UnreadableFile("the file is not UTF-8: save it as UTF-8") from error


def _plain(chosen: Mapping[str, str], names: Sequence[str], default_base: str | None) -> Reader:
    at = {name: names.index(column) for name, column in chosen.items()}
    if "base" not in at and default_base is None:
        raise UnreadableFile(
            "the file has no column base, and no currency was given that the rates are for one unit of"
        )

    def read(line: int, fields: Sequence[str]) -> Iterator[Statement]:
        base = fields[at["base"]] if "base" in at else default_base or ""
        row = json.dumps(dict(zip(names, fields, strict=True)), ensure_ascii=False)
        yield Statement(line, fields[at["day"]], fields[at["currency"]], base, fields[at["rate"]], row)

    return read


def _wide(names: Sequence[str], currencies: Sequence[str | None], base: str) -> Reader:
    """A column without a currency must be empty: each rate in it has a problem."""

    def read(line: int, fields: Sequence[str]) -> Iterator[Statement]:
        for name, currency, field in list(zip(names, currencies, fields, strict=True))[1:]:
            if field.strip() not in _NO_RATE:
                row = json.dumps({names[0]: fields[0], name: field}, ensure_ascii=False)
                problem = None if currency else "currency: unknown series"
                yield Statement(line, fields[0], currency or name, base, field, row, problem)

    return read


def _ecb_xml(path: Path) -> Iterator[Statement]:
    """`<Cube time="2026-11-20"><Cube currency="USD" rate="1.0857"/>...`, for one euro."""
    found: list[Statement] = []
    day = ""

    def started(_: str, attributes: dict[str, str]) -> None:
        nonlocal day
        day = attributes.get("time", day)
        if "rate" in attributes:
            currency, rate, line = attributes.get("currency", ""), attributes["rate"], parser.CurrentLineNumber
            found.append(Statement(line, day, currency, "EUR", rate, json.dumps({"time": day, **attributes})))

    def refused(*_: object) -> None:
        raise UnreadableFile("the XML declares entities of its own, which the ECB's does not")

    parser = expat.ParserCreate()
    parser.StartElementHandler = started
    parser.EntityDeclHandler = refused
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise UnreadableFile(f"the file is broken XML: {error}") from None
    if not found:
        raise UnreadableFile(f"the XML has no rates: {EXPECTED}")
    return iter(found)
