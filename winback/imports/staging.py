"""Brings a file of any format into the connection, row by row and as text.

Staging makes, all temporary: `staged` (the rows as the format has them), the view `source` (n, each canonical column
as text or NULL, whole_row), the view `file_rows` (n, line, row as JSON text) of those rows that the table `wanted`
names, which is empty so far, and `malformed` (line, problem, row), the lines that could not be split into fields. `n`
counts rows from 0; `line` is the line of the file (of Parquet: the row's number).
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.imports.columns import Layout
from winback.imports.csv_staging import stage_csv
from winback.imports.errors import UnreadableFile
from winback.imports.jsonl_staging import stage_jsonl
from winback.imports.parquet_staging import stage_parquet
from winback.imports.staged import Staged

FORMATS = ("csv", "jsonl", "parquet")
_PARQUET_MAGIC = b"PAR1"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def stage(connection: DuckDBPyConnection, path: Path, layout: Layout, scratch: Path) -> Staged:
    """`path` is plain (winback.imports.compression).

    Raises UnreadableFile, or UnknownColumn for a column that is not there.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE malformed (line BIGINT, problem VARCHAR, row VARCHAR)")
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted (n BIGINT)")
    match _format_of(path, layout.format):
        case "parquet":
            return stage_parquet(connection, path, layout)
        case "jsonl":
            return stage_jsonl(connection, path, layout)
        case _:
            return stage_csv(connection, path, layout, scratch)


def _format_of(path: Path, declared: str | None) -> str:
    if declared is not None and declared not in FORMATS:
        raise UnreadableFile(f"unknown format {declared!r}: expected one of {', '.join(FORMATS)}")
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_OTHER_ENCODINGS):
        raise UnreadableFile("the file is UTF-16: save it as UTF-8")
    is_parquet = head.startswith(_PARQUET_MAGIC)
    if declared is not None:
        if is_parquet != (declared == "parquet") and head:
            raise UnreadableFile(
                f"the file is {'' if is_parquet else 'not '}Parquet, but its format was given as {declared}"
            )
        return declared
    if is_parquet:
        return "parquet"
    return "jsonl" if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{") else "csv"
