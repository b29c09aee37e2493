"""Each rule that sqlglot lacks, and each refusal of what the engines do not mean alike."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from winback.spark.translation import Statement, Untranslatable, to_spark, type_name


def translated(expression: str) -> str:
    (statement,) = to_spark(f"SELECT {expression} FROM t")
    return statement.sql.removeprefix("SELECT ").removesuffix(" FROM t")


@pytest.mark.parametrize(
    ("ours", "sparks"),
    [
        ("len(days)", "SIZE(days)"),
        ("array_length(days)", "SIZE(days)"),
        ("length(name)", "LENGTH(name)"),
        ("days[3]", "GET(days, (3) - 1)"),
        ("days[(n + 1) // 2]", "GET(days, ((n + 1) DIV 2) - 1)"),
        ("line['sku']", "line['sku']"),
        ("list_slice(days, 2, len(days))", "SLICE(days, 2, GREATEST((SIZE(days)) - 1, 0))"),
        ("list_transform(d, lambda x, i: x + i)", "TRANSFORM(d, (x, i) -> x + (i + 1))"),
        ("list_filter(d, lambda x, i: x > d[i])", "FILTER(d, (x, i) -> x > GET(d, ((i + 1)) - 1))"),
        ("list_transform(d, lambda x: x.i + i)", "TRANSFORM(d, x -> x.i + i)"),
        (
            "coalesce(list_sum(d), 0)",
            "COALESCE(AGGREGATE(d, CAST(0 AS BIGINT), (total, item) -> total + COALESCE(item, 0)), 0)",
        ),
        ("list_max(days)", "ARRAY_MAX(days)"),
        ("list_min(days)", "ARRAY_MIN(days)"),
        ("list(x)", "NULLIF(COLLECT_LIST(x), ARRAY())"),
        ("list(x) FILTER (WHERE y)", "NULLIF(COLLECT_LIST(x) FILTER(WHERE y), ARRAY())"),
        ("DATE '2026-01-01' + n // 2", "DATE_ADD(CAST('2026-01-01' AS DATE), CAST(n DIV 2 AS INT))"),
        ("round(x, 2)", "ROUND((x) * CAST('100.0' AS DOUBLE)) / CAST('100.0' AS DOUBLE)"),
        ("round(x)", "ROUND(x)"),
        ("n * 0.5", "n * CAST('0.5' AS DOUBLE)"),
        ("n::HUGEINT", "CAST(n AS DECIMAL(38, 0))"),
        ("at::TIMESTAMP", "CAST(at AS TIMESTAMP_NTZ)"),
        ("count(*) FILTER (WHERE x)", "COUNT(*) FILTER(WHERE x)"),
    ],
)
def test_what_is_written_once_means_the_same(ours: str, sparks: str) -> None:
    assert translated(ours) == sparks


def test_rules_reach_what_is_nested_in_what_they_changed() -> None:
    assert translated("round(round(x, 1), 0)").count("ROUND") == 2
    assert translated("a[b[1]]") == "GET(a, (GET(b, (1) - 1)) - 1)"


def test_values_become_literals_of_their_type_and_never_sql() -> None:
    (statement,) = to_spark(
        "SELECT $text, $number, $large, $part, $exact, $day, $moment, $yes, $nothing, $list",
        {
            "text": "'; DROP TABLE orders; --",
            "number": 7,
            "large": 1 << 40,
            "part": 0.1,
            "exact": Decimal("1.50"),
            "day": date(2026, 1, 2),
            "moment": datetime(2026, 1, 2, 3, 4, 5, 6),
            "yes": True,
            "nothing": None,
            "list": ["a", "b"],
        },
    )

    assert statement.sql == (
        "SELECT '\\'; DROP TABLE orders; --', 7, CAST(1099511627776 AS BIGINT), CAST('0.1' AS DOUBLE), "
        "CAST('1.50' AS DECIMAL(38, 2)), CAST('2026-01-02' AS DATE), "
        "CAST('2026-01-02 03:04:05.000006' AS TIMESTAMP_NTZ), TRUE, NULL, ARRAY('a', 'b')"
    )


def test_positions_of_parameters_are_kept() -> None:
    (statement,) = to_spark("SELECT ?, ? + 1", ["a", 2])

    assert statement.sql == "SELECT 'a', 2 + 1"


def test_tables_views_rows_and_their_end() -> None:
    script = """
    CREATE OR REPLACE TEMP TABLE names (name VARCHAR, number BIGINT);
    INSERT INTO names VALUES ('a', 1);
    CREATE OR REPLACE TEMP VIEW doubled AS SELECT name, 2 * number AS number FROM names;
    DROP TABLE names;
    """

    assert to_spark(script) == [
        Statement("table", "SELECT CAST(NULL AS STRING) AS name, CAST(NULL AS BIGINT) AS number WHERE FALSE", "names"),
        Statement("insert", "VALUES ('a', 1)", "names"),
        Statement("view", "SELECT name, 2 * number AS number FROM names", "doubled"),
        Statement("drop", "", "names"),
    ]


def test_lists_of_rows_are_laid_side_by_side() -> None:
    (statement,) = to_spark("SELECT unnest($a) AS a, unnest($b)::BIGINT AS b", {"a": ["x", "y"], "b": [1, 2]})

    assert statement.sql == (
        "SELECT item_0 AS a, CAST(item_1 AS BIGINT) AS b FROM "
        "(SELECT INLINE(ARRAYS_ZIP(ARRAY('x', 'y'), ARRAY(1, 2))) AS (item_0, item_1)) AS items"
    )


def test_files_are_named_by_a_parameter() -> None:
    (statement,) = to_spark(
        "SELECT day FROM read_parquet($paths)", {"paths": ["s3://b/k=1.parquet", "s3://b/2.parquet"]}
    )

    assert statement.sql == (
        "SELECT day FROM (SELECT * FROM parquet.`s3://b/k=1.parquet` "
        "UNION ALL SELECT * FROM parquet.`s3://b/2.parquet`) AS files"
    )


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        ("quantile_disc(x, 0.5)", "cumulative count"),
        ("quantile_cont(x, 0.5)", "cumulative count"),
        ("ntile(5) OVER (ORDER BY x)", "discrete cut-offs"),
        ("list(x ORDER BY y)", "list_sort"),
        ("days[2:]", "list_slice"),
        ("days[-1]", "list_slice"),
        ("round(x, n)", "constant"),
        ("* REPLACE (1 AS x)", "EXCLUDE"),
        ("random()", "random"),
        ("$unknown", "no value"),
    ],
)
def test_what_the_engines_mean_differently_is_refused_with_what_to_write(expression: str, instead: str) -> None:
    with pytest.raises(Untranslatable, match=instead):
        translated(expression)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), datetime(2026, 1, 1, tzinfo=UTC), object()])
def test_a_value_without_a_literal_is_refused(value: object) -> None:
    with pytest.raises(Untranslatable):
        to_spark("SELECT ?", [value])


@pytest.mark.parametrize("statement", ["ATTACH 'x'", "INSTALL httpfs", "SET threads = 1", "DELETE FROM t"])
def test_only_queries_and_relations_of_them_are_translated(statement: str) -> None:
    with pytest.raises(Untranslatable, match="expected a query"):
        to_spark(statement)


@pytest.mark.parametrize("statement", ["FROM a UNION ALL BY NAME FROM b", "INSERT INTO a BY NAME FROM b"])
def test_columns_are_matched_by_position(statement: str) -> None:
    with pytest.raises(Untranslatable, match="name the columns"):
        to_spark(statement)


def test_types_of_the_lake_have_a_name_in_spark() -> None:
    assert type_name("STRUCT(sku VARCHAR, quantity DECIMAL(18, 3))[]") == (
        "ARRAY<STRUCT<sku: STRING, quantity: DECIMAL(18, 3)>>"
    )
    assert type_name("TIMESTAMP") == "TIMESTAMP_NTZ"
