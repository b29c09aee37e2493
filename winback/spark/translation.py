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


class Untranslatable(ValueError):
    """A statement uses something that the two engines do not mean alike; the message says what to write instead."""


@dataclass(frozen=True)
class Statement:
    """One statement for Spark: a query; or a table or view of one, or rows for a table, or the end of a table."""

    kind: Literal["query", "table", "view", "insert", "drop"]
    sql: str
    relation: str = ""


class Statements(DuckDB):
    """DuckDB's dialect as the `.sql` files use it: `len` is of lists, `length` of strings."""

    class Parser(DuckDBParser):
        FUNCTIONS = {**DuckDBParser.FUNCTIONS, "LEN": exp.ArraySize.from_arg_list}  # noqa: RUF012


def to_spark(script: str, parameters: Parameters = ()) -> list[Statement]:
    """The statements of `script`, its `$name` or `?` parameters bound as typed literals. Raises Untranslatable."""
    bind = _Binding(parameters)
    return [_statement(tree.transform(bind)) for tree in parse(script, read=Statements) if tree is not None]


def _statement(tree: exp.Expr) -> Statement:
    match tree:
        case exp.Create(kind="TABLE", this=exp.Schema() as schema):
            return Statement("table", _no_rows(schema), schema.this.name)
        case exp.Create(kind="TABLE", expression=exp.Query() as query):
            return Statement("table", _query(query), tree.this.name)
        case exp.Create(kind="VIEW", expression=exp.Query() as query):
            return Statement("view", _query(query), tree.this.name)
        case exp.Insert(this=exp.Table() as table):
            return Statement("insert", _query(tree.expression), table.name)
        case exp.Drop(args={"tables": [exp.Table() as table]}):
            return Statement("drop", "", table.name)
        case exp.Query():
            return Statement("query", _query(tree))
        case _:
            raise Untranslatable(f"{tree.sql(dialect=DuckDB)[:60]}: expected a query, or a table or view of one")


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
    """`list[i]` and `list[i:]`: DuckDB counts from 1 and gives null beyond the ends; sqlglot shifts only constants."""
    if not isinstance(node, exp.Bracket) or len(node.expressions) != 1:
        return node
    (index,) = node.expressions
    if isinstance(index, exp.Literal) and index.is_string:
        return node  # a field of a struct
    if isinstance(index, exp.Slice):
        start, end = index.this, index.expression
        if not (isinstance(start, exp.Literal) and start.is_int and end is None):
            raise Untranslatable(f"{node.sql(dialect=DuckDB)}: only list[n:] with a constant n is translated")
        return exp.func("SLICE", node.this, start, exp.func("SIZE", node.this), dialect=Spark)
    if isinstance(index, exp.Neg):
        raise Untranslatable(f"{node.sql(dialect=DuckDB)}: positions from the end are not translated")
    if not isinstance(index, exp.Literal):
        index = exp.Sub(this=exp.paren(index.copy()), expression=exp.Literal.number(1))
    return exp.Anonymous(this="GET", expressions=[node.this, index])


def _list_sums(node: exp.Expr) -> exp.Expr:
    """`list_sum` of whole numbers; an empty list gives 0 where DuckDB gives null: say coalesce(list_sum(...), 0)."""
    if not isinstance(node, exp.Anonymous) or node.name.upper() != "LIST_SUM":
        return node
    if not isinstance(node.parent, exp.Coalesce):
        raise Untranslatable("list_sum: write coalesce(list_sum(...), 0), for the engines differ on empty lists")
    (items,) = node.expressions
    zero = exp.cast(exp.Literal.number(0), "BIGINT")
    return exp.Anonymous(this="AGGREGATE", expressions=[items, zero, _lambda("total + item", "total", "item")])


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


_RULES = (_positions_from_one, _elements, _list_sums, _roundings, _decimal_constants, _wide_integers)
