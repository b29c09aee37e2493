"""DynamoDB's update expressions: SET, REMOVE, ADD and DELETE, parsed once and kept as functions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.inprocess.expressions import (
    MISSING,
    MalformedExpression,
    Names,
    Operand,
    Path,
    Tokens,
    Values,
    plain_path,
    reader,
)
from local.inprocess.values import Stored, decimal, is_number, number

_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class InvalidUpdate(ValueError):
    """The item does not allow the update: a ValidationException."""


@dataclass(frozen=True)
class Action:
    clause: str
    path: Path
    operand: Operand | None  # of REMOVE there is none


@dataclass(frozen=True)
class Update:
    actions: tuple[Action, ...]
    names: frozenset[str]
    values: frozenset[str]

    def apply(self, item: Mapping[str, Any], names: Names, values: Values) -> tuple[dict[str, Any], list[Path]]:
        """The item after the update, and the paths that it touched. Every operand is read from the item before it.

        Raises InvalidUpdate.
        """
        steps = [
            (action, plain_path(action.path, names), action.operand(item, names, values) if action.operand else None)
            for action in self.actions
        ]
        changed = _copied(item)
        removed: list[tuple[list[Any], int]] = []
        for action, path, value in steps:
            match action.clause:
                case "SET":
                    if value is MISSING:
                        raise InvalidUpdate(
                            "The provided expression refers to an attribute that does not exist in the item"
                        )
                    _put(changed, path, value)
                case "REMOVE":
                    _remove(changed, path, removed)
                case clause:
                    _combine(changed, path, value, clause)
        for within, place in sorted(removed, key=lambda one: -one[1]):
            del within[place]
        return changed, [path for _, path, _ in steps]


@lru_cache(maxsize=4096)
def update(text: str) -> Update:
    """Raises MalformedExpression."""
    tokens = Tokens(text)
    actions: list[Action] = []
    seen: set[str] = set()
    while tokens.next:
        clause = tokens.take().upper()
        if clause not in _CLAUSES:
            raise MalformedExpression(f"Syntax error; token: {clause!r}, expected: one of {', '.join(_CLAUSES)}")
        if clause in seen:
            raise MalformedExpression(f'The "{clause}" section can only be used once in an update expression;')
        seen.add(clause)
        actions.append(_action(tokens, clause))
        while tokens.next == ",":
            tokens.take()
            actions.append(_action(tokens, clause))
    return Update(tuple(actions), frozenset(tokens.names), frozenset(tokens.values))


def overlapping(paths: list[Path]) -> tuple[Path, Path] | None:
    """Two paths of which one is, or holds, the other."""
    for place, one in enumerate(paths):
        for other in paths[place + 1 :]:
            shorter = min(len(one), len(other))
            if one[:shorter] == other[:shorter]:
                return one, other
    return None


def _action(tokens: Tokens, clause: str) -> Action:
    path = tokens.path()
    if clause == "REMOVE":
        return Action(clause, path, None)
    if clause == "SET":
        tokens.take("=")
        return Action(clause, path, _sum(tokens))
    name = tokens.value()
    return Action(clause, path, lambda _item, _names, values: values[name])


def _sum(tokens: Tokens) -> Operand:
    left = _operand(tokens)
    if tokens.next not in ("+", "-"):
        return left
    sign = 1 if tokens.take() == "+" else -1
    right = _operand(tokens)

    def add(item: Mapping[str, Any], names: Names, values: Values) -> Stored:
        one, other = left(item, names, values), right(item, names, values)
        if one is MISSING or other is MISSING:
            return MISSING
        if not (is_number(one) and is_number(other)):
            raise InvalidUpdate("An operand in the update expression has an incorrect data type")
        return number(decimal(one) + sign * decimal(other))

    return add


def _operand(tokens: Tokens) -> Operand:
    if tokens.next.startswith(":"):
        name = tokens.value()
        return lambda _item, _names, values: values[name]
    if tokens.following == "(":
        function = tokens.take()
        tokens.take("(")
        if function == "if_not_exists":
            read = reader(tokens.path())
            tokens.take(",")
            return _closed(tokens, read, _operand(tokens), _first_found)
        if function == "list_append":
            left = _operand(tokens)
            tokens.take(",")
            return _closed(tokens, left, _operand(tokens), _appended)
        raise MalformedExpression(f"Invalid function name; function: {function}")
    return reader(tokens.path())


def _closed(tokens: Tokens, left: Operand, right: Operand, of: Callable[[Stored, Stored], Stored]) -> Operand:
    tokens.take(")")
    return lambda item, names, values: of(left(item, names, values), right(item, names, values))


def _first_found(found: Stored, otherwise: Stored) -> Stored:
    return otherwise if found is MISSING else found


def _appended(one: Stored, other: Stored) -> Stored:
    if one is MISSING or other is MISSING:
        return MISSING
    if not (isinstance(one, list) and isinstance(other, list)):
        raise InvalidUpdate("An operand in the update expression has an incorrect data type")
    return one + other


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copied(part) for name, part in value.items()}
    if type(value) is list:
        return [_copied(part) for part in value]
    return value


def _within(item: dict[str, Any], path: Path) -> Any:
    """The map or list that the path's last part lies in. Raises InvalidUpdate when there is none."""
    found: Any = item
    for part in path[:-1]:
        if isinstance(part, int):
            found = found[part] if isinstance(found, list) and part < len(found) else MISSING
        else:
            found = found.get(part, MISSING) if isinstance(found, dict) else MISSING
    if not isinstance(found, list if isinstance(path[-1], int) else dict):
        raise InvalidUpdate("The document path provided in the update expression is invalid for update")
    return found


def _put(item: dict[str, Any], path: Path, value: Stored) -> None:
    within, last = _within(item, path), path[-1]
    if isinstance(last, int) and last >= len(within):
        within.append(value)
    else:
        within[last] = value


def _remove(item: dict[str, Any], path: Path, removed: list[tuple[list[Any], int]]) -> None:
    """Places in lists are removed at the end, all at once: they are those of the item before the update."""
    within, last = _within(item, path), path[-1]
    if not isinstance(last, int):
        within.pop(last, None)
    elif last < len(within):
        removed.append((within, last))


def _combine(item: dict[str, Any], path: Path, value: Stored, clause: str) -> None:
    """ADD to a number or a set, DELETE from a set."""
    within, last = _within(item, path), path[-1]
    there = _there(within, last)
    adding = clause == "ADD"
    if not (isinstance(value, frozenset) or (adding and is_number(value))):
        raise InvalidUpdate(f"Incorrect operand type for operator or function; operator: {clause}")
    if there is MISSING:
        if adding:
            _put(item, path, value)
        return
    if is_number(there) and is_number(value):
        within[last] = number(decimal(there) + decimal(value))
        return
    if not (isinstance(there, frozenset) and isinstance(value, frozenset)):
        raise InvalidUpdate("An operand in the update expression has an incorrect data type")
    rest = there | value if adding else there - value
    if rest:
        within[last] = rest
    elif not isinstance(last, int):
        del within[last]


def _there(within: Any, last: str | int) -> Stored:
    if isinstance(last, int):
        return within[last] if last < len(within) else MISSING
    return within.get(last, MISSING)
