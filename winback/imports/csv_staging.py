"""CSV: with a header, UTF-8, quotes as in RFC 4180, separated by comma, semicolon, tab or bar.

DuckDB's parallel reader takes the file first. It numbers records, not lines, and can lose rows where line ends are
mixed, so its result stands only when it accounts for every line: header + rows + rejected lines = lines. Otherwise
(quoted line breaks, blank lines, stray quotes, mixed line ends), and where spaces stand around quotes, which DuckDB
reads in its own way, Python's csv module, which knows lines, splits the file into a clean copy, at about a tenth of the
speed.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import uuid4

import duckdb
from duckdb import DuckDBPyConnection

from winback.imports.columns import Layout
from winback.imports.csv_records import LONGEST_LINE_BYTES, Malformed, records
from winback.imports.errors import UnreadableFile
from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal, statement
from winback.imports.staged import Staged, create_source

DELIMITERS = (",", ";", "\t", "|")
_WANTED = "(SELECT rowid AS n, * FROM staged WHERE rowid IN (SELECT wanted.n FROM wanted)) AS staged"


@dataclass(frozen=True)
class Header:
    names: tuple[str, ...]
    delimiter: str
    lines: int  # that it takes in the file


def stage_csv(connection: DuckDBPyConnection, path: Path, layout: Layout, scratch: Path) -> Staged:
    header = read_header(path)
    layout.canon.check(layout.mapping)
    if header is None:
        chosen: dict[str, str] = {}
        connection.execute("CREATE OR REPLACE TEMP TABLE staged (line BIGINT)")
        connection.execute("CREATE OR REPLACE TEMP VIEW file_rows AS SELECT rowid AS n, line, '' AS row FROM staged")
        create_source(connection, layout.canon, {}, "''")
        return Staged(frozenset(), approximate=False)
    chosen = layout.choose(header.names)
    if not _stage_whole_lines(connection, path, header):
        _stage_records(connection, path, header, scratch)
    expressions = {name: f"c{header.names.index(column)}" for name, column in chosen.items()}
    whole_row = ", ".join(f"coalesce(ltrim(c{i}, ' '), '')" for i in range(len(header.names)))
    create_source(connection, layout.canon, expressions, f"concat_ws(chr(31), {whole_row})")
    return Staged(frozenset(chosen), approximate=False)


def read_header(path: Path) -> Header | None:
    """None when the file is empty. The delimiter is the one that the header has most of."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = "".join(islice(iter(lambda: file.readline(LONGEST_LINE_BYTES), ""), 20))
    except UnicodeDecodeError as error:
        raise UnreadableFile("the file is not UTF-8: save it as UTF-8") from error
    if not head.strip():
        return None
    first = head.lstrip("\r\n").splitlines()[0]
    if len(first) >= LONGEST_LINE_BYTES:
        raise UnreadableFile(
            f"the first line is longer than {LONGEST_LINE_BYTES:,} bytes: a CSV file starts with its header"
        )
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(head.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
    names = next(row for row in reader if row)
    return Header(tuple(name.strip() for name in names), delimiter, reader.line_num)


def _stage_whole_lines(connection: DuckDBPyConnection, path: Path, header: Header) -> bool:
    """Whether every line of the file was one record, and is now staged (or malformed)."""
    lines, line_end = _count_lines(path)
    if line_end is None or header.lines != 1 or lines <= 1 or _has_spaced_quotes(path, header.delimiter):
        return False
    try:
        connection.execute(
            """CREATE OR REPLACE TEMP TABLE staged AS FROM read_csv(
                $path, columns = $columns, delim = $delimiter, quote = '"', escape = '"', new_line = $line_end,
                header = true, auto_detect = false, nullstr = '', hive_partitioning = false, comment = '',
                max_line_size = $longest, store_rejects = true, rejects_table = 'csv_errors',
                rejects_scan = 'csv_scans')""",
            {
                "path": glob_literal(path),
                "columns": {f"c{i}": "VARCHAR" for i in range(len(header.names))},
                "delimiter": header.delimiter,
                "line_end": line_end,
                "longest": LONGEST_LINE_BYTES,
            },
        )
        if connection.execute("SELECT 1 FROM csv_errors WHERE error_type = 'INVALID ENCODING' LIMIT 1").fetchall():
            return False
        connection.execute(statement("csv_lines"))
        (accounted,) = connection.execute(
            "SELECT 1 + (SELECT count(*) FROM staged) + (SELECT count(*) FROM malformed)"
        ).fetchall()[0]
    except duckdb.InvalidInputException:
        return False
    finally:
        connection.execute("DROP TABLE IF EXISTS csv_errors")
        connection.execute("DROP TABLE IF EXISTS csv_scans")
    if accounted != lines:
        connection.execute("DELETE FROM malformed")
        return False
    _create_file_rows(
        connection,
        header.names,
        "n + 2 + coalesce(malformed_before, 0)",
        f"{_WANTED} ASOF LEFT JOIN line_shifts ON n >= rows_before",
    )
    return True


def _stage_records(connection: DuckDBPyConnection, path: Path, header: Header, scratch: Path) -> None:
    clean = scratch / f"clean-{uuid4().hex}.csv"
    rows = 0
    malformed: list[Malformed] = []
    try:
        with (
            path.open(encoding="utf-8-sig", newline="") as source,
            clean.open("w", encoding="utf-8", newline="") as target,
        ):
            writer = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
            for record in islice(records(source, header.delimiter, len(header.names)), 1, None):
                if isinstance(record, Malformed):
                    malformed.append(record)
                else:
                    writer.writerow([record.line, *record.fields])
                    rows += 1
        columns = ", ".join(f"c{i} VARCHAR" for i in range(len(header.names)))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE staged (line BIGINT, {columns})")
        if rows:
            connection.execute(
                """INSERT INTO staged FROM read_csv(
                    $path, columns = $columns, delim = ',', quote = '"', escape = '"', new_line = '\\n', header = false,
                    auto_detect = false, nullstr = '', hive_partitioning = false, comment = '', parallel = false,
                    max_line_size = 100000000)""",
                {
                    "path": glob_literal(clean),
                    "columns": {"line": "BIGINT"} | {f"c{i}": "VARCHAR" for i in range(len(header.names))},
                },
            )
    except UnicodeDecodeError as error:
        raise UnreadableFile("the file is not UTF-8: save it as UTF-8") from error
    finally:
        clean.unlink(missing_ok=True)
    if malformed:
        connection.execute(
            "INSERT INTO malformed SELECT unnest($lines), unnest($problems), unnest($rows)",
            {
                "lines": [each.line for each in malformed],
                "problems": [each.problem for each in malformed],
                "rows": [each.text for each in malformed],
            },
        )
    (staged,) = connection.execute("SELECT count(*) FROM staged").fetchall()[0]
    if staged != rows:
        raise RuntimeError(f"staged {staged} of {rows} records")
    _create_file_rows(connection, header.names, "line", _WANTED)


def _create_file_rows(connection: DuckDBPyConnection, names: Sequence[str], line: str, rows: str) -> None:
    fields = ", ".join(f"{literal(name)}, c{i}" for i, name in enumerate(names))
    select = f"SELECT n, {line} AS line, CAST(json_object({fields}) AS VARCHAR) AS row FROM {rows}"  # noqa: S608 quoted
    connection.execute(f"CREATE OR REPLACE TEMP VIEW file_rows AS {select}")


def _has_spaced_quotes(path: Path, delimiter: str) -> bool:
    """Whether a space may stand between a delimiter and a quote. Also true of some quoted text that is like it."""
    mark = re.escape(delimiter.encode())
    spaced = re.compile(b'(?:^|[\\r\\n]|%b) +"|" +(?:["\\r\\n]|%b|$)' % (mark, mark))
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            whole = block + file.readline(LONGEST_LINE_BYTES)
            if (b'" ' in whole or b' "' in whole) and spaced.search(whole):
                return True
    return False


def _count_lines(path: Path) -> tuple[int, str | None]:
    """How many lines, and what ends them all; None when ends are mixed."""
    feeds = returns = pairs = 0
    last = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
            pairs += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
            last = block[-1:]
    lines = feeds + (last not in (b"\n", b""))
    if returns == 0:
        return lines, "\\n"
    return lines, "\\r\\n" if returns == feeds == pairs else None
