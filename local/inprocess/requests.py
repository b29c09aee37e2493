"""What DynamoDB checks of a request before it looks at an item, and the errors that it answers with."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from local.inprocess.expressions import (
    MISSING,
    Condition,
    KeyCondition,
    MalformedExpression,
    Names,
    Path,
    condition,
    key_condition,
    plain_path,
    projection,
)
from local.inprocess.updates import Update, overlapping, update
from local.inprocess.values import Stored, store

Pair = tuple[str, str]
NOTHING: frozenset[str] = frozenset()
_ALWAYS = Condition(lambda _item, _names, _values: True, NOTHING, NOTHING)


def refuse(code: str, message: str, operation: str, **more: Any) -> NoReturn:
    """Raises botocore's ClientError as DynamoDB's answer makes it."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    raise ClientError(answer, operation)


def invalid(message: str, operation: str) -> NoReturn:
    refuse("ValidationException", message, operation)


def key_pair(key: Mapping[str, Any], operation: str) -> Pair:
    """Of an item or a key. An enum's text is taken as text."""
    return _key_text(key, "pk", operation), _key_text(key, "sk", operation)


def _key_text(key: Mapping[str, Any], name: str, operation: str) -> str:
    value = key.get(name)
    if type(value) is str and value:
        return value
    if value is None:
        invalid(f"One or more parameter values were invalid: Missing the key {name} in the item", operation)
    if not isinstance(value, str):
        invalid(f"One or more parameter values were invalid: Type mismatch for key {name} expected: S", operation)
    if not value:
        invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty string value. Key: {name}",
            operation,
        )
    return str.__str__(value)


def stored_values(values: Mapping[str, Any] | None) -> dict[str, Stored]:
    return {name: value if type(value) is str else store(value) for name, value in values.items()} if values else {}


def parsed_condition(text: str | None, operation: str, expression: str = "ConditionExpression") -> Condition:
    """One that always holds when there is no text."""
    if text is None:
        return _ALWAYS
    try:
        return condition(text)
    except MalformedExpression as error:
        invalid(f"Invalid {expression}: {error}", operation)


def parsed_key_condition(text: str) -> KeyCondition:
    try:
        return key_condition(text)
    except MalformedExpression as error:
        invalid(f"Invalid KeyConditionExpression: {error}", "Query")


def parsed_projection(text: str | None, names: Names, operation: str) -> tuple[tuple[Path, ...] | None, frozenset[str]]:
    """The paths, None for everything, and the placeholders that they use."""
    if text is None:
        return None, NOTHING
    try:
        paths, used = projection(text)
    except MalformedExpression as error:
        invalid(f"Invalid ProjectionExpression: {error}", operation)
    check_defined(used, names, "name", "ProjectionExpression", operation)
    return tuple(plain_path(path, names) for path in paths), used


def parsed_update(text: str, names: Names, operation: str) -> Update:
    """Of attributes outside the key, none of them twice."""
    try:
        change = update(text)
    except MalformedExpression as error:
        invalid(f"Invalid UpdateExpression: {error}", operation)
    check_defined(change.names, names, "name", "UpdateExpression", operation)
    paths = [plain_path(action.path, names) for action in change.actions]
    for path in paths:
        if path[0] in ("pk", "sk"):
            invalid(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                "This attribute is part of the key",
                operation,
            )
    if len(paths) > 1 and (clash := overlapping(paths)):
        one, other = ("[" + ", ".join(map(str, path)) + "]" for path in clash)
        invalid(
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these "
            f"paths; path one: {one}, path two: {other}",
            operation,
        )
    return change


def check_placeholders(
    used_names: frozenset[str],
    used_values: frozenset[str],
    names: Mapping[str, str],
    values: Mapping[str, Any],
    operation: str,
    expression: str,
) -> None:
    """Each placeholder that is used must be given, and each one given must be used."""
    if len(used_names) == len(names) and len(used_values) == len(values):
        check_defined(used_names, names, "name", expression, operation)
        check_defined(used_values, values, "value", expression, operation)
        return
    check_defined(used_names, names, "name", expression, operation)
    check_defined(used_values, values, "value", expression, operation)
    for kind, used, given in (("Names", used_names, names.keys()), ("Values", used_values, values.keys())):
        if spare := sorted(given - used):
            invalid(
                f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{', '.join(spare)}}}",
                operation,
            )


def check_defined(used: AbstractSet[str], given: Mapping[str, Any], kind: str, expression: str, operation: str) -> None:
    for one in used:
        if one not in given:
            where = "in the document path" if kind == "name" else "in expression"
            invalid(
                f"Invalid {expression}: An expression attribute {kind} used {where} is not defined; "
                f"attribute {kind}: {one}",
                operation,
            )


def within(keys: list[str], bounds: Sequence[tuple[str, Stored]]) -> list[str]:
    """The sort keys, in order, that all bounds allow."""
    low, high = 0, len(keys)
    for bound, value in bounds:
        if bound in ("=", ">=", "begins"):
            low = max(low, bisect_left(keys, value))
        elif bound == ">":
            low = max(low, bisect_right(keys, value))
        if bound in ("=", "<="):
            high = min(high, bisect_right(keys, value))
        elif bound == "<":
            high = min(high, bisect_left(keys, value))
        elif bound == "begins":
            high = next((place for place in range(low, high) if not keys[place].startswith(value)), high)
    return keys[low:high]


def projected(item: dict[str, Any], paths: tuple[Path, ...] | None) -> dict[str, Any]:
    """Only what the paths lead to; of lists, the chosen elements close ranks."""
    if paths is None:
        return item
    kept: dict[str, Any] = {}
    for path in paths:
        found: Any = item
        for part in path:
            if isinstance(part, int):
                found = found[part] if isinstance(found, list) and part < len(found) else MISSING
            else:
                found = found.get(part, MISSING) if isinstance(found, Mapping) else MISSING
        if found is MISSING:
            continue
        place: Any = kept
        for part, following in zip(path, (*path[1:], None), strict=True):
            empty: Any = found if following is None else ([] if isinstance(following, int) else {})
            if isinstance(part, int):
                place.append(empty)
                place = empty
            else:
                place = place.setdefault(part, empty)
    return kept
