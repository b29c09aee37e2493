"""Trees compiled to SQL against a plain reading of them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.slices import strategies
from tests.unit.slices.conftest import SNAPSHOT_TYPES, TOUCH_TYPES, Fill
from tests.unit.slices.evaluation import Evaluation
from winback.slices.columns import COLUMNS
from winback.slices.compilation import (
    MAX_EXPANDED,
    Ground,
    check_references,
    compile_condition,
    touches_since,
)
from winback.slices.condition import Condition
from winback.slices.problems import ConditionRefused, parse_condition

AS_OF = strategies.AS_OF.replace(tzinfo=UTC)
STORED = frozenset(SNAPSHOT_TYPES)
Parse = Callable[[Any], Condition]
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ground(**changes: Any) -> Ground:
    return Ground(**{"as_of": AS_OF, "currency": "EUR", "columns": STORED, "slices": {}, "touches": True, **changes})


def matching(connection: duckdb.DuckDBPyConnection, condition: Condition, base: Ground) -> set[str]:
    predicate = compile_condition(condition, base)
    found = connection.execute(f"SELECT customer_key FROM customers WHERE {predicate.sql}", predicate.parameters)
    return {row[0] for row in found.fetchall()}


@quick
@given(data=st.data())
def test_the_sql_finds_exactly_whom_a_plain_reading_finds(
    data: st.DataObject, connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    values = data.draw(st.lists(strategies.rows, max_size=6))
    rows = [{**row, "customer_key": f"{number:032x}"} for number, row in enumerate(values)]
    touches = data.draw(st.lists(strategies.touches, max_size=6))
    fill("customers", SNAPSHOT_TYPES, rows)
    fill("touches", TOUCH_TYPES, touches)
    first, second = strategies.SLICES
    slices = {
        first: condition(data.draw(strategies.trees())),
        second: condition(data.draw(strategies.trees(first))),
    }
    tree = condition(data.draw(strategies.trees(*strategies.SLICES)))

    expected = Evaluation(strategies.AS_OF, "EUR", slices, touches)
    assert matching(connection, tree, ground(slices=slices)) == {
        row["customer_key"] for row in rows if expected.matches(tree, row)
    }


@quick
@given(tree=strategies.trees())
def test_nothing_of_the_user_is_in_the_sql(tree: dict[str, Any]) -> None:
    predicate = compile_condition(parse_condition(tree), ground())
    columns = {column.stored for column in COLUMNS.values()}
    parameters = {f"${name}" for name in predicate.parameters}
    functions = {"coalesce", "CAST", "substr", "sha256"}
    words = "AND OR NOT IS NULL IN BETWEEN TRUE FALSE AS DATE SELECT FROM WHERE"
    names = "customer_key customer_id touches kind channel at by_machine"
    grammar = {*words.split(), *names.split(), "1", "12"}  # what the compiler itself writes
    found = set(re.findall(r"[^\s()=<>,|\"':]+", predicate.sql))
    assert found <= columns | parameters | functions | grammar


@pytest.mark.parametrize("text", strategies.HOSTILE)
def test_a_hostile_string_is_only_ever_a_value(
    text: str, connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    keys = ["a" * 32, "b" * 32]
    fill(
        "customers", SNAPSHOT_TYPES, [{"customer_key": keys[0], "acquisition_channel": text}, {"customer_key": keys[1]}]
    )
    tree = {"column": "acquisition_channel", "operator": "=", "value": text}
    assert matching(connection, condition(tree), ground()) == {keys[0]}
    assert matching(connection, condition({"not": tree}), ground()) == {keys[1]}
    everybody = {"any": [{"share": 0.5, "salt": text}, {"not": {"share": 0.5, "salt": text}}]}
    assert matching(connection, condition(everybody), ground()) == set(keys)


def test_an_unknown_value_matches_no_comparison_and_not_is_the_complement(
    connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    fill("customers", SNAPSHOT_TYPES, [{"customer_key": "known", "margin_minor": 500}, {"customer_key": "unknown"}])
    for operator, value in (("=", 5), ("!=", 4), (">", 4), ("between", [1, 9]), ("in", [5])):
        tree = {"column": "margin", "operator": operator, "value": value}
        assert matching(connection, condition(tree), ground()) == {"known"}
        assert matching(connection, condition({"not": tree}), ground()) == {"unknown"}
    assert matching(connection, condition({"column": "margin", "operator": "unknown"}), ground()) == {"unknown"}


def test_money_is_stated_in_major_units_of_the_accounts_currency(
    connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    fill("customers", SNAPSHOT_TYPES, [{"customer_key": str(minor), "net_minor": minor} for minor in (5, 50, 5000)])
    tree = condition({"column": "net", "operator": ">=", "value": 50})
    assert matching(connection, tree, ground(currency="EUR")) == {"5000"}
    assert matching(connection, tree, ground(currency="JPY")) == {"50", "5000"}
    assert matching(connection, tree, ground(currency="KWD")) == set()


def refusal(condition: Condition, base: Ground) -> list[tuple[str, str, str]]:
    with pytest.raises(ConditionRefused) as caught:
        compile_condition(condition, base)
    return [(found.path, found.problem, found.expected) for found in caught.value.problems]


def test_more_decimals_than_the_currency_has_are_refused_at_their_place(condition: Parse) -> None:
    tree = {"all": [{"column": "net", "operator": "<", "value": 3}, {"column": "net", "operator": ">", "value": "1.5"}]}
    assert refusal(condition(tree), ground(currency="JPY")) == [
        ("all[1].value", "has more decimals than JPY allows", "at most 0")
    ]


def test_a_column_that_an_old_snapshot_lacks_is_named_with_its_remedy(condition: Parse) -> None:
    tree = {
        "any": [{"column": "segment", "operator": "=", "value": "Loyal"}, {"column": "lapsed", "operator": "known"}]
    }
    ((path, problem, expected),) = refusal(condition(tree), ground(columns={"segment"}))
    assert path == "any[1].column"
    assert "lapsed" in problem
    assert "refresh" in expected


def test_touches_are_asked_for_only_where_there_are_some(condition: Parse) -> None:
    tree = {"not": {"event": "opened", "within_days": 30}}
    ((path, *_),) = refusal(condition(tree), ground(touches=False))
    assert path == "not.event"
    compile_condition(condition({"event": "purchased", "within_days": 30}), ground(touches=False))


def test_the_first_day_of_needed_touches_follows_the_slices_that_are_named(condition: Parse) -> None:
    name = strategies.SLICES[0]
    slices = {name: condition({"event": "clicked", "within_days": 40})}
    tree = condition({"any": [{"slice": name}, {"event": "opened", "since": "2026-03-01"}]})
    assert str(touches_since(tree, ground(slices=slices))) == "2026-02-14"
    assert touches_since(condition({"event": "purchased", "within_days": 9}), ground()) is None


def test_a_random_share_is_sticky_and_grows_without_losing_anybody(
    connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    rows = [{"customer_key": f"{number:032x}"} for number in range(2_000)]
    fill("customers", {"customer_key": "VARCHAR"}, rows)
    shares = [
        matching(connection, condition({"share": share, "salt": "spring"}), ground()) for share in (0.1, 0.25, 0.25, 1)
    ]
    assert shares[0] < shares[1] == shares[2] < shares[3]
    assert abs(len(shares[1]) - 500) < 80
    assert matching(connection, condition({"share": 0.25, "salt": "autumn"}), ground()) != shares[1]


def test_slices_in_a_circle_are_refused(condition: Parse) -> None:
    one, two = strategies.SLICES
    slices = {one: condition({"slice": two}), two: condition({"not": {"slice": one}})}
    assert "circle" in refusal(slices[one], ground(slices=slices))[0][2]
    problems = check_references(one, slices[one], {two: slices[two]})
    assert [found.path for found in problems] == ["slice"]
    assert check_references(None, condition({"all": [{"slice": one}]}), {})[0].path == "all[0].slice"


def test_what_is_wrong_in_a_named_slice_is_told_at_the_place_that_names_it(condition: Parse) -> None:
    name = strategies.SLICES[0]
    slices = {name: condition({"all": [{"column": "net", "operator": ">", "value": "1.5"}]})}
    ((path, problem, _),) = refusal(condition({"not": {"slice": name}}), ground(slices=slices, currency="JPY"))
    assert path == "not.slice"
    assert "all[0].value" in problem


def test_slices_that_multiply_each_other_end_at_a_limit(condition: Parse) -> None:
    names = [f"slc-{number:012x}" for number in range(6)]
    slices = {names[0]: condition({"share": 0.5, "salt": "s"})}
    for before, name in pairwise(names):
        slices[name] = condition({"any": [{"slice": before}] * 100})
    assert str(MAX_EXPANDED) in refusal(condition({"slice": names[-1]}), ground(slices=slices))[-1][1]


def test_days_are_days_of_utc(connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse) -> None:
    fill("customers", SNAPSHOT_TYPES, [{"customer_key": "a", "last_purchase_at": datetime(2026, 1, 31, 23, 59)}])
    for operator, value, found in (
        ("<=", "2026-01-31", True),
        (">", "2026-01-31", False),
        ("=", "2026-01-31", True),
        ("<", "2026-02-01", True),
    ):
        tree = condition({"column": "last_purchase_at", "operator": operator, "value": value})
        assert bool(matching(connection, tree, ground())) is found


def test_machines_open_and_click_for_nobody(
    connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    day = datetime(2026, 3, 20)
    kinds = ("opened", "clicked", "visited")
    told = [
        {"customer_id": f"{kind} by {who}", "kind": kind, "at": day, "by_machine": who == "machine"}
        for kind in kinds
        for who in ("machine", "person")
    ]
    fill("touches", TOUCH_TYPES, told)
    fill("customers", SNAPSHOT_TYPES, [{"customer_key": row["customer_id"]} for row in told])
    for kind, found in zip(kinds, (1, 1, 2), strict=True):
        assert len(matching(connection, condition({"event": kind, "within_days": 30}), ground())) == found


def test_a_touch_of_after_the_snapshot_did_not_happen_yet(
    connection: duckdb.DuckDBPyConnection, fill: Fill, condition: Parse
) -> None:
    fill("customers", SNAPSHOT_TYPES, [{"customer_key": "early"}, {"customer_key": "late"}])
    moments = {"early": datetime(2026, 3, 26, 4, 59), "late": datetime(2026, 3, 26, 5)}
    fill("touches", TOUCH_TYPES, [{"customer_id": key, "kind": "visited", "at": at} for key, at in moments.items()])
    assert matching(connection, condition({"event": "visited", "within_days": 0}), ground()) == {"early"}
