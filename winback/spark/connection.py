"""A Spark session behind the few calls of a DuckDB connection that the segmentation makes.

So `build_snapshot`, `summarise` and what they call run unchanged on either engine: no rule is implemented twice.
"""

from collections.abc import Sequence
from typing import Any, cast

import duckdb
from pyspark.sql import DataFrame, SparkSession
from sqlglot import exp

from winback.spark.translation import CATALOGUES, Parameters, Statement, literal, to_spark


class Result:
    """Rows of the last query of a script; nothing when it was no query."""

    def __init__(self, rows: DataFrame | None) -> None:
        self._rows = rows

    @property
    def description(self) -> list[tuple[str, str]]:
        """Name and Spark's type of each column, in order."""
        return (
            [] if self._rows is None else [(field.name, field.dataType.simpleString()) for field in self._rows.schema]
        )

    def fetchall(self) -> list[tuple[Any, ...]]:
        return [] if self._rows is None else [tuple(row) for row in self._rows.collect()]


class SparkConnection:
    """`execute` as DuckDB's.

    A table is computed when it is created, into Parquet files below `scratch`, a URI that ends with `/`: what reads it
    plans nothing of how it came about, and no lost worker takes it along. A view is computed by each query that reads
    it. The files are the caller's to remove, after `close`.
    """

    def __init__(self, session: SparkSession, scratch: str) -> None:
        self.session = session
        self._scratch = scratch
        self._written = 0
        self._tables: set[str] = set()
        self._views: set[str] = set()

    def execute(self, query: str, parameters: Parameters | None = None) -> Result:
        """Raises Untranslatable for a statement that the engines do not mean alike."""
        rows: DataFrame | None = None
        for statement in to_spark(query, parameters or ()):
            rows = self._run(statement)
        return Result(rows)

    def executemany(self, query: str, rows: Sequence[Sequence[object]]) -> None:
        """Inserts a few rows; `query` is an INSERT of as many parameters as the table has columns."""
        inserts = [statement for row in rows for statement in to_spark(query, row)]
        for relation in {insert.relation for insert in inserts}:
            values = " UNION ALL ".join(insert.sql for insert in inserts if insert.relation == relation)
            self._run(Statement("insert", values, relation))

    def register(self, name: str, rows: DataFrame) -> None:
        """Makes rows, of files for instance, a view that statements read."""
        self._drop(name)
        rows.createOrReplaceTempView(name)
        self._views.add(name)

    def keep(self, name: str) -> None:
        """Makes a table of a view that many queries will read."""
        self._write(name, self.session.table(name))

    def table(self, name: str) -> "Relation":
        return Relation(self, f"SELECT * FROM {name}")  # noqa: S608 ours

    def rows(self, name: str) -> DataFrame:
        return self.session.table(name)

    def close(self) -> None:
        """Lets go of all tables and views."""
        for name in (*self._tables, *self._views):
            self._drop(name)

    def _run(self, statement: Statement) -> DataFrame | None:
        if any(catalogue in statement.sql for catalogue in CATALOGUES):
            self._list_relations()
        match statement.kind:
            case "query":
                return self.session.sql(statement.sql)
            case "describe":
                return self._describe(self.session.sql(statement.sql))
            case "table":
                self._write(statement.relation, self.session.sql(statement.sql))
            case "insert":
                self._write(statement.relation, self._with(statement))
            case "view":
                self.register(statement.relation, self.session.sql(statement.sql))
            case "drop":
                self._drop(statement.relation)
        return None

    def _describe(self, rows: DataFrame) -> DataFrame:
        """Name and Spark's type of each column, as DESCRIBE gives them."""
        columns = [(field.name, field.dataType.simpleString()) for field in rows.schema]
        return self._constants(columns, "column_name", "column_type")

    def _list_relations(self) -> None:
        for catalogue, column, names in (
            ("duckdb_tables", "table_name", self._tables),
            ("duckdb_views", "view_name", self._views),
        ):
            rows = [(name,) for name in sorted({catalogue, *names})]
            self._constants(rows, column).createOrReplaceTempView(catalogue)

    def _constants(self, rows: Sequence[tuple[str, ...]], *columns: str) -> DataFrame:
        tuples = [exp.Tuple(expressions=[literal(value) for value in row]) for row in rows]
        return self.session.sql(exp.select("*").from_(exp.values(tuples, "constants", columns)).sql(dialect="spark"))

    def _with(self, statement: Statement) -> DataFrame:
        """The table and the new rows, cast to its types."""
        before = self.session.table(statement.relation)
        new = self.session.sql(statement.sql).toDF(*before.columns)
        typed = new.select(*(new[field.name].cast(field.dataType) for field in before.schema))
        return before.unionAll(typed)

    def _write(self, name: str, rows: DataFrame) -> None:
        self._written += 1  # a table may be made of the one that it replaces
        folder = f"{self._scratch}{name}-{self._written}"
        rows.write.mode("overwrite").parquet(folder)
        self.register(name, self.session.read.schema(rows.schema).parquet(folder))
        self._views.discard(name)
        self._tables.add(name)

    def _drop(self, name: str) -> None:
        self.session.catalog.dropTempView(name)
        self._views.discard(name)
        self._tables.discard(name)


class Relation:
    """What the segmentation uses of DuckDB's relations."""

    def __init__(self, connection: SparkConnection, query: str) -> None:
        self._connection = connection
        self._query = query

    @property
    def columns(self) -> list[str]:
        return [name for name, _ in self._connection.execute(f"DESCRIBE {self._query}").fetchall()]

    def project(self, columns: str) -> "Relation":
        return Relation(self._connection, f"SELECT {columns} FROM ({self._query}) AS relation")  # noqa: S608 ours

    def create_view(self, name: str, replace: bool = True) -> None:  # noqa: ARG002 Spark's are always replaced
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {self._query}")


def as_duckdb(connection: SparkConnection) -> duckdb.DuckDBPyConnection:
    """For functions that say they take DuckDB's connection, and make only the calls that there are here."""
    return cast(duckdb.DuckDBPyConnection, connection)
