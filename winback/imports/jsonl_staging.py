"""JSON Lines: one object a line. Blocks of whole lines go to DuckDB, which splits and parses them."""

from collections.abc import Iterator
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.imports.columns import Layout
from winback.imports.errors import UnreadableFile
from winback.imports.sql import literal
from winback.imports.staged import Staged, create_source

BLOCK_BYTES = 16 * 1024**2


def stage_jsonl(connection: DuckDBPyConnection, path: Path, layout: Layout) -> Staged:
    connection.execute("CREATE OR REPLACE TEMP TABLE lines (line BIGINT, text VARCHAR)")
    first = 1
    for block in _blocks(path):
        connection.execute(
            "INSERT INTO lines SELECT $first + i - 1, lines[i] FROM ("
            "SELECT string_split($block, chr(10)) AS lines), LATERAL unnest(range(1, len(lines) + 1)) AS numbers (i) "
            "WHERE trim(lines[i], E' \\t\\r') <> ''",
            {"first": first, "block": block},
        )
        first += block.count("\n") + 1
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE staged AS SELECT line, text FROM lines "
        "WHERE json_valid(text) AND json_type(text) = 'OBJECT' ORDER BY line"
    )
    connection.execute(
        "INSERT INTO malformed SELECT line, 'row: not a JSON object', text FROM lines "
        "WHERE NOT json_valid(text) OR json_type(text) <> 'OBJECT'"
    )
    connection.execute("DROP TABLE lines")
    available = [
        str(key)
        for (key,) in connection.execute(
            "SELECT DISTINCT unnest(json_keys(text)) AS key FROM staged ORDER BY key"
        ).fetchall()
    ]
    rows = connection.execute("SELECT count(*) FROM staged").fetchall()[0][0]
    chosen = layout.choose(available) if rows else {}
    layout.canon.check(layout.mapping)
    pointers = {name: literal("/" + column.replace("~", "~0").replace("/", "~1")) for name, column in chosen.items()}
    expressions = {name: f"json_extract_string(text, {pointer})" for name, pointer in pointers.items()}
    create_source(connection, layout.canon, expressions, "text")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW file_rows AS "
        "SELECT rowid AS n, line, text AS row FROM staged WHERE rowid IN (SELECT wanted.n FROM wanted)"
    )
    return Staged(frozenset(chosen), approximate=True)


def _blocks(path: Path) -> Iterator[str]:
    """Pieces of the file that end where a line ends, without that line's end."""
    with path.open("rb") as file:
        rest, at = b"", 0
        while block := file.read(BLOCK_BYTES):
            rest += block
            end = rest.rfind(b"\n")
            if end >= 0:
                yield _text(rest[:end], at)
                at += end + 1
                rest = rest[end + 1 :]
        if rest:
            yield _text(rest, at)


def _text(block: bytes, at: int) -> str:
    try:
        return block.decode("utf-8-sig" if at == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"the file is not UTF-8: byte {at + error.start + 1:,} is none of it") from error
