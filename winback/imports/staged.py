"""What staging tells the checks that follow."""

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from winback.imports.columns import Canon
from winback.imports.sql import identifier


@dataclass(frozen=True)
class Staged:
    columns: frozenset[str]  # the canonical columns that the file has
    approximate: bool  # its numbers may be binary floating point


def create_source(connection: DuckDBPyConnection, canon: Canon, expressions: Mapping[str, str], whole_row: str) -> None:
    """The view `source`; `expressions` give text over the columns of `staged`."""
    fields = ", ".join(f"{expressions.get(name, 'CAST(NULL AS VARCHAR)')} AS {identifier(name)}" for name in canon.all)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW source AS SELECT rowid AS n, {fields}, {whole_row} AS whole_row FROM staged"  # noqa: S608 our own expressions
    )
