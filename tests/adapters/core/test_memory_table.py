"""The tables in memory answer as DynamoDB does: the same random calls to both, the same answers and the same errors."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from moto import mock_aws

from local.inprocess.hooks import Killed, NoFaults
from local.inprocess.tables import MemoryDatabase, MemoryTable
from local.tables import new_table
from winback.aws.tables import standing_in_the_way

PREFIX = "begins_with(sk, :s)"
NAMES = {"#a": "a", "#b": "b", "#m": "m", "#l": "l"}
PATHS = ("#a", "#b", "#m", "#l", "#m.#a", "#m.#b", "#l[0]", "#l[1]")
CONDITIONS = (
    "attribute_exists({0})",
    "attribute_not_exists({0})",
    "{0} = {2}",
    "{0} <> {2}",
    "{0} < {2}",
    "{0} >= {2}",
    "{0} BETWEEN {2} AND {3}",
    "{0} IN ({2}, {3})",
    "begins_with({0}, {4})",
    "contains({0}, {4})",
    "NOT {0} = {2}",
    "attribute_not_exists({0}) OR {1} < {2}",
    "(attribute_exists({0}) AND {1} = {2}) OR {0} = {3}",
    "attribute_exists({0}) AND size({0}) > {5}",
    "attribute_not_exists(pk)",
)
UPDATES = (
    "SET {0} = {2}",
    "SET {0} = {2}, {1} = {3}",
    "SET {0} = if_not_exists({1}, {2})",
    "SET {0} = if_not_exists({0}, {5}) + {5}",
    "SET {0} = {1} - {5}",
    "SET {0} = {1}",
    "SET {0} = list_append({1}, {6})",
    "SET {0} = list_append(if_not_exists({0}, {6}), {6}) REMOVE {1}",
    "REMOVE {0}",
    "REMOVE {0}, {1}",
    "ADD #a {5}",
    "SET #m.#a = {2} ADD #b {5}",
    "ADD #a {7}",
    "DELETE #a {7}",
)
numbers = st.one_of(
    st.integers(-3, 3), st.sampled_from([Decimal("0.5"), Decimal("1.0"), Decimal("-2.50"), 10**20, Decimal("1E+3")])
)
texts = st.sampled_from(["a", "ab", "b", "ø"])
operands = st.one_of(texts, numbers)  # moto takes null for an attribute that is not there, and true for 1
simple = st.one_of(operands, st.none())
values = st.one_of(
    simple,
    st.lists(simple, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b"]), simple, max_size=2),
    st.sets(st.sampled_from(["a", "b", "c"]), min_size=1),
)
keys = st.builds(lambda pk, sk: {"pk": pk, "sk": sk}, st.sampled_from("xy"), st.sampled_from(["1", "2", "2a", "3"]))
items = st.builds(
    lambda key, rest: {**key, **rest}, keys, st.dictionaries(st.sampled_from(["a", "b", "m", "l"]), values, max_size=4)
)


@st.composite
def expressions(draw: st.DrawFn, templates: tuple[str, ...], first: str = "v") -> tuple[str, dict[str, str], Any]:
    """A text with the names and the values that it uses."""
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=2, max_size=2, unique_by=lambda path: path[:2]))
    given_values = {
        f":{first}2": draw(operands),
        f":{first}3": draw(operands),
        f":{first}4": draw(texts),
        f":{first}5": draw(st.integers(0, 2)),
        f":{first}6": draw(st.lists(simple, min_size=1, max_size=2)),
        f":{first}7": draw(st.sets(st.sampled_from(["a", "b", "c"]), min_size=1)),
    }
    text = draw(st.sampled_from(templates)).format(*paths, *given_values)
    used = {name: value for name, value in given_values.items() if name in text}
    return text, {name: value for name, value in NAMES.items() if name in text}, used


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """One call: its name and its arguments."""
    kind = draw(st.sampled_from(["put_item", "update_item", "update_item", "delete_item", "get_item", "query"]))
    if kind == "get_item":
        return kind, {"Key": draw(keys), "ConsistentRead": True}
    if kind == "query":
        condition = draw(
            st.sampled_from(
                ["", *(f" AND {one}" for one in ("sk = :s", "sk < :s", "sk >= :s", "sk BETWEEN :s AND :t", PREFIX))]
            )
        )
        bounds = {":s": draw(st.sampled_from(["1", "2", "3"])), ":t": "3"}
        return kind, {
            "KeyConditionExpression": f"pk = :p{condition}",
            "ExpressionAttributeValues": {":p": "x", **{n: v for n, v in bounds.items() if n in condition}},
            "ScanIndexForward": draw(st.booleans()),
        }
    arguments: dict[str, Any] = {"Item": draw(items)} if kind == "put_item" else {"Key": draw(keys)}
    names: dict[str, str] = {}
    given_values: dict[str, Any] = {}
    if kind == "update_item":
        arguments["UpdateExpression"], names, given_values = draw(expressions(UPDATES))
        arguments["ReturnValues"] = draw(st.sampled_from(["NONE", "ALL_NEW", "ALL_OLD"]))
    if draw(st.booleans()):
        text, more_names, more_values = draw(expressions(CONDITIONS, "c"))
        arguments |= {"ConditionExpression": text, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        names, given_values = {**names, **more_names}, {**given_values, **more_values}
    if names:
        arguments["ExpressionAttributeNames"] = names
    if given_values:
        arguments["ExpressionAttributeValues"] = given_values
    return kind, arguments


@pytest.fixture(scope="module")
def real() -> Iterator[Any]:
    with mock_aws():
        yield new_table("things", "eu-west-1")


def answer(table: Any, kind: str, arguments: dict[str, Any]) -> Any:
    try:
        result = getattr(table, kind)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return code, standing_in_the_way(error) if code == "ConditionalCheckFailedException" else None
    except (TypeError, ValueError):  # moto compares text with a number, or asks the size of one
        reject()
    return {name: result[name] for name in ("Item", "Items", "Count", "Attributes") if name in result}


def put_right(real: Any, memory: Any, key: dict[str, str]) -> None:
    """DynamoDB changes nothing when an update is refused; moto keeps its first clauses."""
    item = memory.get_item(Key=key).get("Item")
    if item is None:
        real.delete_item(Key=key)
    else:
        real.put_item(Item=item)


def contents(table: Any) -> list[dict[str, Any]]:
    return [
        item
        for pk in "xy"
        for item in table.query(KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": pk})["Items"]
    ]


@given(st.lists(items, max_size=4), st.lists(calls(), min_size=1, max_size=10))
@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # moto is too slow to look for a shorter example
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_answers_and_errors_are_those_of_dynamodb(
    real: Any, there: list[dict[str, Any]], made: list[tuple[str, dict[str, Any]]]
) -> None:
    memory = MemoryTable("things")
    for item in contents(real):
        real.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
    for item in there:
        real.put_item(Item=item)
        memory.put_item(Item=item)
    for kind, arguments in made:
        ours, theirs = answer(memory, kind, arguments), answer(real, kind, arguments)
        if kind == "update_item" and isinstance(ours, tuple) and ours[0] == "ValidationException":
            put_right(real, memory, arguments["Key"])
            if "." in arguments["UpdateExpression"] or "[" in arguments["UpdateExpression"]:
                continue  # moto takes a path into what is no map or list
        assert ours == theirs, (kind, arguments)
    assert contents(memory) == contents(real)


def test_a_transaction_is_done_whole_or_not_at_all(real: Any) -> None:
    memory = MemoryTable("things")
    for table in (memory, real):
        table.put_item(Item={"pk": "t", "sk": "there", "n": 1})
        actions = [
            {"Put": {"TableName": "things", "Item": {"pk": "t", "sk": "new"}}},
            {
                "Update": {
                    "TableName": "things",
                    "Key": {"pk": "t", "sk": "there"},
                    "UpdateExpression": "ADD n :one",
                    "ConditionExpression": "n < :one",
                    "ExpressionAttributeValues": {":one": 1},
                }
            },
        ]
        with pytest.raises(ClientError) as caught:
            table.meta.client.transact_write_items(TransactItems=actions)
        assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [  # type: ignore[typeddict-item]
            "None",
            "ConditionalCheckFailed",
        ]
        assert "Item" not in table.get_item(Key={"pk": "t", "sk": "new"})
        actions[1]["Update"]["ConditionExpression"] = "n <= :one"
        table.meta.client.transact_write_items(TransactItems=actions)
        assert table.get_item(Key={"pk": "t", "sk": "there"})["Item"]["n"] == Decimal(2)


@pytest.mark.parametrize(
    "item",
    [{"pk": "x", "sk": "1", "a": "x" * 409_600}, {"pk": "x"}, {"pk": "x", "sk": ""}],
    ids=["larger than 400 KB", "without its sort key", "with an empty key"],
)
def test_an_item_that_dynamodb_does_not_take_is_refused(real: Any, item: dict[str, Any]) -> None:
    for table in (MemoryTable("things"), real):
        assert answer(table, "put_item", {"Item": item}) == ("ValidationException", None)


@pytest.mark.parametrize(
    ("condition", "values"), [("a = :a", {}), ("attribute_exists(a)", {":a": 1}), ("a = = :a", {":a": 1})]
)
def test_an_expression_that_dynamodb_does_not_take_is_refused(condition: str, values: dict[str, Any]) -> None:
    """Of which moto takes some: the errors are the developer guide's."""
    arguments = {"Item": {"pk": "x", "sk": "1"}, "ConditionExpression": condition, "ExpressionAttributeValues": values}
    assert answer(MemoryTable("things"), "put_item", arguments) == ("ValidationException", None)


def test_an_update_of_overlapping_attributes_is_refused(real: Any) -> None:
    update = {
        "Key": {"pk": "x", "sk": "1"},
        "UpdateExpression": "SET m.a = :a REMOVE m",
        "ExpressionAttributeValues": {":a": 1},
    }
    for table in (MemoryTable("things"), real):
        assert answer(table, "update_item", update) == ("ValidationException", None)


def test_floats_are_refused_and_numbers_come_back_as_decimals() -> None:
    memory = MemoryTable("things")
    with pytest.raises(TypeError, match="Float"):
        memory.put_item(Item={"pk": "x", "sk": "1", "a": 0.5})
    memory.put_item(Item={"pk": "x", "sk": "1", "a": [1, Decimal("1.50")], "b": True})
    assert answer(
        memory,
        "delete_item",
        {"Key": {"pk": "x", "sk": "1"}, "ConditionExpression": "b = :one", "ExpressionAttributeValues": {":one": 1}},
    ) == ("ConditionalCheckFailedException", None)
    item = memory.get_item(Key={"pk": "x", "sk": "1"})["Item"]
    assert item["a"] == [Decimal(1), Decimal("1.5")]
    assert all(isinstance(number, Decimal) for number in item["a"])
    assert item["b"] is True


def test_concurrent_writers_of_one_counter_lose_nothing() -> None:
    memory = MemoryTable("things")

    def write() -> None:
        for _ in range(200):
            memory.update_item(
                Key={"pk": "x", "sk": "1"}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1}
            )

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.get_item(Key={"pk": "x", "sk": "1"})["Item"]["n"] == 800


def test_units_are_counted_as_dynamodb_bills_them() -> None:
    database = MemoryDatabase()
    table = database.table("things")
    table.put_item(Item={"pk": "a#1", "sk": "profile", "text": "x" * 3000})
    with pytest.raises(ClientError):
        table.put_item(Item={"pk": "a#1", "sk": "profile"}, ConditionExpression="attribute_not_exists(pk)")
    table.get_item(Key={"pk": "a#1", "sk": "profile"})
    table.get_item(Key={"pk": "a#1", "sk": "other"}, ConsistentRead=True)
    place = ("things", "profile")
    assert database.usage.write_units[place] == 6  # three for the item, and three for the refused one
    assert (database.usage.writes[place], database.usage.refused[place]) == (1, 1)
    assert (database.usage.read_units[place], database.usage.read_units["things", "other"]) == (0.5, 1)


class Kills(NoFaults):
    def __init__(self, before: bool) -> None:
        self._before = before

    def before(self, point: str) -> None:
        if self._before:
            raise Killed

    def after(self, point: str) -> None:
        raise Killed


@pytest.mark.parametrize("before", [True, False])
def test_a_killed_call_has_its_effect_or_not_by_when_it_was_killed(before: bool) -> None:
    database = MemoryDatabase(hook=Kills(before))
    table = database.table("things")
    with pytest.raises(Killed):
        table.put_item(Item={"pk": "x", "sk": "1"})
    assert len(list(table.items())) == (0 if before else 1)


def test_a_batch_writer_asks_again_for_what_was_left_over() -> None:
    class LeavesSome(NoFaults):
        def left_over(self, point: str, count: int) -> int:
            return count // 2

    table = MemoryDatabase(hook=LeavesSome()).table("things")
    with table.batch_writer() as writer:
        for number in range(60):
            writer.put_item(Item={"pk": "x", "sk": str(number)})
    assert len(list(table.items())) == 60
