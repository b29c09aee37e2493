"""DuckDB's statements as Spark's: sqlglot, and the few rules it lacks, all of them here.

What both engines mean alike is written once, in the `.sql` files; a statement that cannot mean the same raises
Untranslatable when it is translated, instead of giving other rows. Semantics: https://duckdb.org/docs/stable/sql/introduction
and https://spark.apache.org/docs/4.0.2/sql-ref.html, Spark in ANSI mode (winback/spark/session.py).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Literal

from sqlglot import ErrorLevel, exp, parse
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.duckdb import DuckDBParser

Parameters = Mapping[str, object] | Sequence[object]
CATALOGUES = ("duckdb_tables", "duckdb_views")


class Untranslatable(ValueError):
    """A statement uses something that the two engines do not mean alike; the message says what to write instead."""


@dataclass(frozen=True)
class Statement:
    """One statement for Spark: a query, its columns, a table or view of it, rows for a table, the end of a table."""

    kind: Literal["query", "describe", "table", "view", "insert", "drop"]
    sql: str
    relation: str = ""


class Statements(DuckDB):
    """DuckDB's dialect as the `.sql` files use it: `len` is of lists, `length` of strings."""

    INDEX_OFFSET = 0  # sqlglot would shift those positions whose type it knows, and no others

    class Parser(DuckDBParser):
        FUNCTIONS = {**DuckDBParser.FUNCTIONS, "LEN": exp.ArraySize.from_arg_list}  # noqa: RUF012


def to_spark(script: str, parameters: Parameters = ()) -> list[Statement]:
    """The statements of `script`, its `$name` or `?` parameters bound as typed literals. Raises Untranslatable."""
    bind = _Binding(parameters)
    return [_statement(tree.transform(bind)) for tree in parse(script, read=Statements) if tree is not None]


def _statement(tree: exp.Expr) -> Statement:
    match tree:
        case exp.Create(kind="TABLE", this=exp.Schema() as schema):
            found = Statement("table", _no_rows(schema), schema.this.name)
        case exp.Create(kind="TABLE", expression=exp.Query() as query):
            found = Statement("table", _query(query), tree.this.name)
        case exp.Create(kind="VIEW", expression=exp.Query() as query):
            found = Statement("view", _query(query), tree.this.name)
        case exp.Insert(this=exp.Table() as table):
            _refuse(tree)
            found = Statement("insert", _query(tree.expression), table.name)
        case exp.Drop(args={"tables": [exp.Table() as table]}):
            found = Statement("drop", "", table.name)
        case exp.Describe(this=exp.Query() as query):
            found = Statement("describe", _query(query))
        case exp.Query():
            found = Statement("query", _query(tree))
        case _:
            raise Untranslatable(f"{tree.sql(dialect=DuckDB)[:60]}: expected a query, or a table or view of one")
    return found


def _no_rows(schema: exp.Schema) -> str:
    columns = [exp.alias_(exp.cast(exp.null(), column.args["kind"]), column.name) for column in schema.expressions]
    return _query(exp.select(*columns).where(exp.false()))


def _query(tree: exp.Expr) -> str:
    for node in list(tree.walk()):
        _refuse(node)
    for node in reversed(list(tree.walk())):  # the innermost first, so that rules meet what they are nested in
        for rule in _RULES:
            changed = rule(node)
            if changed is not node:
                tree = changed if node is tree else tree
                node.replace(changed)
                break
    return tree.sql(dialect=Spark, unsupported_level=ErrorLevel.RAISE, comments=False)


_QUANTILES = "quantiles of the engines differ; take the smallest value whose cumulative count reaches ceil(p * n)"
_REFUSED: Mapping[type[exp.Expr], str] = {
    exp.Quantile: _QUANTILES,
    exp.PercentileDisc: _QUANTILES,
    exp.PercentileCont: _QUANTILES,
    exp.Ntile: "equal rows fall into different tiles each time; compare with discrete cut-offs",
    exp.ApproxDistinct: "approximations of the engines differ; use count(DISTINCT ...)",
    exp.Rand: "random numbers of the engines differ",
    exp.Columns: "Spark has no COLUMNS; name them",
}


def _refuse(node: exp.Expr) -> None:
    for kind, instead in _REFUSED.items():
        if isinstance(node, kind):
            raise Untranslatable(f"{node.sql(dialect=DuckDB)}: {instead}")
    if isinstance(node, exp.ArrayAgg) and node.find(exp.Order):
        raise Untranslatable(f"{node.sql(dialect=DuckDB)}: Spark's lists of groups have no order; list_sort them")
    if isinstance(node, exp.SetOperation | exp.Insert) and node.args.get("by_name"):
        raise Untranslatable("BY NAME: Spark has none; name the columns")
    if isinstance(node, exp.Star) and node.args.get("replace"):
        raise Untranslatable("* REPLACE: Spark has none; use * EXCLUDE and name the columns")


class _Binding:
    """Puts values in the place of parameters, each as a literal of the type that DuckDB would bind."""

    def __init__(self, parameters: Parameters) -> None:
        self._named = parameters if isinstance(parameters, Mapping) else {}
        self._positional: Iterator[object] = iter(()) if isinstance(parameters, Mapping) else iter(parameters)

    def __call__(self, node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            return node
        if node.name in ("", "?"):
            return literal(next(self._positional))
        if node.name not in self._named:
            raise Untranslatable(f"${node.name} has no value; there are {sorted(self._named)}")
        return literal(self._named[node.name])


@singledispatch
def literal(value: object) -> exp.Expr:
    """A typed constant; sqlglot escapes strings. Times have no zone: they are in UTC already."""
    raise Untranslatable(f"a parameter of type {type(value).__name__}: no literal for it")


@literal.register
def _(value: None) -> exp.Expr:  # noqa: ARG001
    return exp.null()


@literal.register
def _(value: bool) -> exp.Expr:
    return exp.true() if value else exp.false()


@literal.register
def _(value: int) -> exp.Expr:
    number = exp.Literal.number(value)
    return exp.cast(number, "BIGINT") if abs(value) >= 1 << 31 else number


@literal.register
def _(value: float) -> exp.Expr:
    if not math.isfinite(value):
        raise Untranslatable(f"{value}: expected a finite number")
    return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")


@literal.register
def _(value: Decimal) -> exp.Expr:
    places = -int(value.as_tuple().exponent)
    return exp.cast(exp.Literal.string(format(value, "f")), f"DECIMAL(38, {max(0, places)})")


@literal.register
def _(value: str) -> exp.Expr:
    return exp.Literal.string(value)


@literal.register
def _(value: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(value.isoformat()), "DATE")


@literal.register
def _(value: datetime) -> exp.Expr:
    if value.tzinfo is not None:
        raise Untranslatable(f"{value}: expected a time in UTC without a zone")
    return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMPNTZ")


@literal.register
def _(value: list) -> exp.Expr:  # type: ignore[type-arg]  # singledispatch takes plain classes
    return exp.Array(expressions=[literal(item) for item in value])


def _positions_from_one(node: exp.Expr) -> exp.Expr:
    """In `lambda x, position` DuckDB counts from 1, Spark from 0."""
    if not isinstance(node, exp.Transform | exp.ArrayFilter) or not isinstance(node.expression, exp.Lambda):
        return node
    function = node.expression
    if len(function.expressions) == 2:
        position = function.expressions[1].name
        for name in list(function.this.find_all(exp.Identifier)):
            if name.name == position and not _is_part_of_a_longer_name(name):
                target = name.parent if isinstance(name.parent, exp.Column) else name
                target.replace(exp.paren(exp.Add(this=target.copy(), expression=exp.Literal.number(1))))
    return node


def _is_part_of_a_longer_name(name: exp.Identifier) -> bool:
    parent = name.parent
    return isinstance(parent, exp.Dot) or (isinstance(parent, exp.Column) and len(parent.parts) > 1)


def _elements(node: exp.Expr) -> exp.Expr:
    """`list[i]` counts from 1 and is null beyond the ends; Spark's `get` counts from 0 and is too."""
    if not isinstance(node, exp.Bracket) or len(node.expressions) != 1:
        return node
    (index,) = node.expressions
    if isinstance(index, exp.Literal) and index.is_string:
        return node  # a field of a struct
    if isinstance(index, exp.Slice | exp.Neg):
        raise Untranslatable(f"{node.sql(dialect=DuckDB)}: write list_slice(list, first, last), counted from the start")
    position = exp.Sub(this=exp.paren(index.copy()), expression=exp.Literal.number(1))
    return exp.Anonymous(this="GET", expressions=[node.this, position])


def _slices(node: exp.Expr) -> exp.Expr:
    """`list_slice(list, first, last)`, counted from 1, is Spark's `slice(list, first, length)`."""
    if not isinstance(node, exp.Anonymous) or node.name.upper() != "LIST_SLICE":
        return node
    items, first, last = node.expressions
    if not (isinstance(first, exp.Literal) and first.is_int):
        raise Untranslatable(f"{node.sql(dialect=DuckDB)}: expected a constant first position")
    before = exp.Literal.number(int(first.name) - 1)
    length = exp.Greatest(this=exp.Sub(this=exp.paren(last), expression=before), expressions=[exp.Literal.number(0)])
    return exp.Anonymous(this="SLICE", expressions=[items, first, length])


def _list_extremes(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.upper() in ("LIST_MIN", "LIST_MAX"):
        return exp.Anonymous(this=node.name.upper().replace("LIST", "ARRAY"), expressions=node.expressions)
    return node


def _lists_of_groups(node: exp.Expr) -> exp.Expr:
    """`list(x)` of a group is null without any row, Spark's is empty. (And leaves nulls out: no list here has any.)"""
    bare = isinstance(node, exp.ArrayAgg) and not isinstance(node.parent, exp.Filter)
    if bare or (isinstance(node, exp.Filter) and isinstance(node.this, exp.ArrayAgg)):
        return exp.Nullif(this=node.copy(), expression=exp.Array())
    return node


def _days_later(node: exp.Expr) -> exp.Expr:
    """A date and a number of days; Spark takes no BIGINT for it, which its `//` always gives."""
    if not isinstance(node, exp.Add) or not isinstance(node.this, exp.Cast) or not node.this.is_type("DATE"):
        return node
    if isinstance(node.expression, exp.Interval):
        return node
    return exp.Anonymous(this="DATE_ADD", expressions=[node.this, exp.cast(node.expression, "INT")])


def _relations(node: exp.Expr) -> exp.Expr:
    """The lists of relations, `duckdb_tables()` and `duckdb_views()`, are views that the connection makes."""
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous) and node.this.name.lower() in CATALOGUES:
        return exp.to_table(node.this.name.lower())
    return node


def _parquet_files(node: exp.Expr) -> exp.Expr:
    """`read_parquet([...])`; the names of folders are no columns on Spark when files are named."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.ReadParquet):
        return node
    paths = node.this.expressions[0]
    if not isinstance(paths, exp.Array) or not paths.expressions:
        raise Untranslatable("read_parquet: expected a list of at least one path, bound as a parameter")
    names = (exp.to_identifier(path.name, quoted=True) for path in paths.expressions)
    rows = [exp.select("*").from_(exp.Table(this=name, db=exp.to_identifier("parquet"))) for name in names]
    return (rows[0] if len(rows) == 1 else exp.union(*rows, distinct=False)).subquery("files")


def type_name(kind: str) -> str:
    """Spark's name of DuckDB's type."""
    return exp.DataType.build(kind, dialect=DuckDB).sql(dialect=Spark)


def _lists_side_by_side(node: exp.Expr) -> exp.Expr:
    """`SELECT unnest(list), unnest(other)` without a table; Spark takes one such function a query."""
    if not isinstance(node, exp.Select) or node.args.get("from_"):
        return node
    found = [inner for inner in node.find_all(exp.Explode) if inner.find_ancestor(exp.Select) is node]
    if not found:
        return node
    names = [f"item_{number}" for number in range(len(found))]
    zipped = exp.Anonymous(this="ARRAYS_ZIP", expressions=[inner.this.copy() for inner in found])
    for inner, name in zip(found, names, strict=True):
        inner.replace(exp.column(name))
    rows = exp.select(exp.Aliases(this=exp.Inline(this=zipped), expressions=[exp.to_identifier(n) for n in names]))
    return node.from_(rows.subquery("items"))


def _list_sums(node: exp.Expr) -> exp.Expr:
    """`list_sum` of whole numbers: nulls count nothing, and without any number it is null."""
    if not isinstance(node, exp.Anonymous) or node.name.upper() != "LIST_SUM":
        return node
    (items,) = node.expressions
    zero = exp.cast(exp.Literal.number(0), "BIGINT")
    add = _lambda("total + COALESCE(item, 0)", "total", "item")
    total = exp.Anonymous(this="AGGREGATE", expressions=[items, zero, add])
    if isinstance(node.parent, exp.Coalesce):
        return total
    known = exp.Anonymous(this="EXISTS", expressions=[items.copy(), _lambda("item IS NOT NULL", "item")])
    return exp.case().when(known, total)


def _lambda(body: str, *names: str) -> exp.Lambda:
    return exp.Lambda(
        this=exp.maybe_parse(body, dialect=Spark), expressions=[exp.to_identifier(name) for name in names]
    )


def _roundings(node: exp.Expr) -> exp.Expr:
    """`round(x, n)` of a double: DuckDB rounds x * 10^n to a whole number, Spark the decimal text of x."""
    if not isinstance(node, exp.Round) or node.args.get("decimals") is None:
        return node
    places = node.args["decimals"]
    if not (isinstance(places, exp.Literal) and places.is_int):
        raise Untranslatable(f"{node.sql(dialect=DuckDB)}: the number of places must be a constant")
    scale = literal(float(10 ** int(places.name)))
    scaled = exp.Mul(this=exp.paren(node.this), expression=scale)
    return exp.Div(this=exp.Round(this=scaled), expression=scale.copy())


def _decimal_constants(node: exp.Expr) -> exp.Expr:
    """`0.5` is a decimal in both, but Spark divides decimals into decimals where DuckDB gives a double."""
    if isinstance(node, exp.Literal) and not node.is_string and not node.is_int:
        return exp.cast(exp.Literal.string(node.name), "DOUBLE")
    return node


def _wide_integers(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.DataType) and node.is_type("HUGEINT"):
        return exp.DataType.build("DECIMAL(38, 0)")
    return node


_RULES = (
    _positions_from_one,
    _elements,
    _slices,
    _list_sums,
    _list_extremes,
    _lists_of_groups,
    _days_later,
    _roundings,
    _decimal_constants,
    _wide_integers,
    _relations,
    _parquet_files,
    _lists_side_by_side,
)
