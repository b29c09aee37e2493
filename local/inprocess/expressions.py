"""DynamoDB's condition, key condition and projection expressions, parsed once and kept as functions.

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html.
Reserved words are not known here: a bare name that DynamoDB reserves is for the adapter tests to find.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.inprocess.values import Stored, decimal, is_number, kind_of, text_size

Names = Mapping[str, str]
Values = Mapping[str, Stored]
Path = tuple[str | int, ...]  # names as written, with their `#`, and places in lists
Test = Callable[[Mapping[str, Any], Names, Values], bool]
Operand = Callable[[Mapping[str, Any], Names, Values], Stored]

_TOKEN = re.compile(r"\s*([#:]?[A-Za-z0-9_\-]+|<>|<=|>=|[=<>(),.\[\]+\-])")
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "ADD", "REMOVE", "DELETE"})


class _Missing:
    """The attribute is not there; unlike every value."""


MISSING = _Missing()


class MalformedExpression(ValueError):
    """What DynamoDB answers with a ValidationException; the text says what was wrong."""


@dataclass(frozen=True)
class Condition:
    holds: Test
    names: frozenset[str]  # that it uses
    values: frozenset[str]


@dataclass(frozen=True)
class KeyCondition:
    """`partition` and the bounds name values; a bound is (comparator, value)."""

    partition: str
    bounds: tuple[tuple[str, str], ...]
    names: frozenset[str]
    values: frozenset[str]


class Tokens:
    """Of one expression, read from left to right; notes the placeholders that it meets."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_split(text))
        self._place = 0
        self.names: set[str] = set()
        self.values: set[str] = set()

    @property
    def next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    @property
    def word(self) -> str:
        return self.next.upper()

    @property
    def following(self) -> str:
        return self._tokens[self._place + 1] if self._place + 1 < len(self._tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.next
        if not token or (wanted is not None and token.upper() != wanted):
            raise MalformedExpression(f"Syntax error; token: {token or '<EOF>'!r}, expected: {wanted or 'an operand'}")
        self._place += 1
        return token

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while self.next in (".", "["):
            if self.take() == ".":
                parts.append(self._name())
            else:
                parts.append(int(self.take()))
                self.take("]")
        return tuple(parts)

    def value(self) -> str:
        token = self.take()
        self.values.add(token)
        return token

    def _name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            self.names.add(token)
        elif not token[0].isalpha() or token.upper() in _KEYWORDS:
            raise MalformedExpression(f"Syntax error; token: {token!r}, expected: an attribute's name")
        return token

    def end(self) -> None:
        if self.next:
            raise MalformedExpression(f"Syntax error; token: {self.next!r}, expected: the end")


def _split(text: str) -> Iterable[str]:
    place, text = 0, text.rstrip()
    if not text:
        raise MalformedExpression("The expression can not be empty;")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise MalformedExpression(f"Syntax error; at: {text[place : place + 10]!r}")
        yield match.group(1)
        place = match.end()


def reader(path: Path) -> Operand:
    """Reads the attribute at the path, or MISSING."""
    if len(path) == 1:
        (only,) = path
        if not str(only).startswith("#"):
            return lambda item, _names, _values: item.get(str(only), MISSING)
        return lambda item, names, _values: item.get(names[str(only)], MISSING)

    def read(item: Mapping[str, Any], names: Names, _values: Values) -> Stored:
        found: Any = item
        for part in plain_path(path, names):
            if isinstance(part, int):
                found = found[part] if isinstance(found, list) and part < len(found) else MISSING
            else:
                found = found.get(part, MISSING) if isinstance(found, Mapping) else MISSING
        return found

    return read


def plain_path(path: Path, names: Names) -> Path:
    """With the names that the placeholders stand for."""
    return tuple(names[part] if isinstance(part, str) and part.startswith("#") else part for part in path)


@lru_cache(maxsize=4096)
def condition(text: str) -> Condition:
    """Of ConditionExpression or FilterExpression. Raises MalformedExpression."""
    tokens = Tokens(text)
    holds = _either(tokens)
    tokens.end()
    return Condition(holds, frozenset(tokens.names), frozenset(tokens.values))


def _either(tokens: Tokens) -> Test:
    return _joined(tokens, "OR", _both, any)


def _both(tokens: Tokens) -> Test:
    return _joined(tokens, "AND", _inverted, all)


def _joined(
    tokens: Tokens, word: str, part: Callable[[Tokens], Test], together: Callable[[Iterable[bool]], bool]
) -> Test:
    """Parts between which the word stands, of which any or all hold."""
    tests = [part(tokens)]
    while tokens.word == word:
        tokens.take()
        tests.append(part(tokens))
    if len(tests) == 1:
        return tests[0]
    return lambda item, names, values: together(test(item, names, values) for test in tests)


def _inverted(tokens: Tokens) -> Test:
    if tokens.word != "NOT":
        return _single(tokens)
    tokens.take()
    test = _inverted(tokens)
    return lambda item, names, values: not test(item, names, values)


def _single(tokens: Tokens) -> Test:
    if tokens.next == "(":
        tokens.take()
        inner = _either(tokens)
        tokens.take(")")
        return inner
    if tokens.following == "(" and tokens.next in _FUNCTIONS:
        return _function(tokens)
    left = _operand(tokens)
    match tokens.word:
        case "BETWEEN":
            tokens.take()
            low = _operand(tokens)
            tokens.take("AND")
            high = _operand(tokens)
            return lambda item, names, values: (
                compare(">=", (found := left(item, names, values)), low(item, names, values))
                and compare("<=", found, high(item, names, values))
            )
        case "IN":
            tokens.take()
            choices = _arguments(tokens)
            return lambda item, names, values: any(
                compare("=", left(item, names, values), choice(item, names, values)) for choice in choices
            )
        case comparator if comparator in _COMPARATORS:
            tokens.take()
            right = _operand(tokens)
            return lambda item, names, values: compare(
                comparator, left(item, names, values), right(item, names, values)
            )
        case _:
            raise MalformedExpression(f"Syntax error; token: {tokens.next or '<EOF>'!r}, expected: a comparator")


def _arguments(tokens: Tokens) -> list[Operand]:
    tokens.take("(")
    operands = [_operand(tokens)]
    while tokens.next == ",":
        tokens.take()
        operands.append(_operand(tokens))
    tokens.take(")")
    return operands


def _operand(tokens: Tokens) -> Operand:
    if tokens.next.startswith(":"):
        name = tokens.value()
        return lambda _item, _names, values: values[name]
    if tokens.next == "size" and tokens.following == "(":
        tokens.take()
        (of,) = _arguments(tokens)
        return lambda item, names, values: _size(of(item, names, values))
    return reader(tokens.path())


def _function(tokens: Tokens) -> Test:
    name = tokens.take()
    arguments = _arguments(tokens)
    wanted, test = _FUNCTIONS[name]
    if len(arguments) != wanted:
        raise MalformedExpression(
            f"Incorrect number of operands for operator or function; operator or function: {name}, "
            f"number of operands: {len(arguments)}"
        )
    if wanted == 1:
        (only,) = arguments
        return lambda item, names, values: test(only(item, names, values))
    one, other = arguments
    return lambda item, names, values: test(one(item, names, values), other(item, names, values))


def _begins(value: Any, start: Any) -> bool:
    return type(value) in (str, bytes) and type(value) is type(start) and bool(value.startswith(start))


def _contains(value: Any, part: Any) -> bool:
    if type(value) in (str, bytes):
        return type(value) is type(part) and part in value
    return isinstance(value, list | frozenset) and any(same(one, part) for one in value)


_FUNCTIONS: dict[str, tuple[int, Callable[..., bool]]] = {
    "attribute_exists": (1, lambda value: value is not MISSING),
    "attribute_not_exists": (1, lambda value: value is MISSING),
    "attribute_type": (2, lambda value, kind: value is not MISSING and kind_of(value) == kind),
    "begins_with": (2, _begins),
    "contains": (2, _contains),
}


def _size(value: Stored) -> Stored:
    if isinstance(value, str):
        return text_size(value)
    return len(value) if isinstance(value, bytes | list | dict | frozenset) else MISSING


def same(one: Stored, other: Stored) -> bool:
    """Equal and of one type: true is not 1, also deep inside."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(same(part, other[name]) for name, part in one.items())
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def compare(comparator: str, one: Stored, other: Stored) -> bool:
    """An attribute that is not there, or of another type, is unequal to anything and in no order with it."""
    match comparator:
        case "=":
            return same(one, other)
        case "<>":
            return not same(one, other)
    if is_number(one) and is_number(other):
        one, other = decimal(one), decimal(other)
    elif type(one) is not type(other) or not isinstance(one, str | bytes):
        return False
    elif isinstance(one, str):
        one, other = one.encode(), other.encode()  # DynamoDB orders text by its bytes
    match comparator:
        case "<":
            return bool(one < other)
        case "<=":
            return bool(one <= other)
        case ">":
            return bool(one > other)
        case _:
            return bool(one >= other)


@lru_cache(maxsize=512)
def key_condition(text: str) -> KeyCondition:
    """`pk = :p`, and one comparison, BETWEEN or begins_with of `sk`. Raises MalformedExpression."""
    tokens = Tokens(text)
    found: dict[str, list[tuple[str, str]]] = {}
    while True:
        attribute, bounds = _key_bounds(tokens)
        if attribute in found:
            raise MalformedExpression("KeyConditionExpressions must only contain one condition per key")
        found[attribute] = bounds
        if tokens.word != "AND":
            break
        tokens.take()
    tokens.end()
    partition = found.pop("pk", [])
    if [comparator for comparator, _ in partition] != ["="]:
        raise MalformedExpression("Query key condition not supported")
    if found.keys() - {"sk"}:
        raise MalformedExpression("Query condition missed key schema element")
    return KeyCondition(partition[0][1], tuple(found.get("sk", ())), frozenset(tokens.names), frozenset(tokens.values))


def _key_bounds(tokens: Tokens) -> tuple[str, list[tuple[str, str]]]:
    if tokens.next == "begins_with":
        tokens.take()
        tokens.take("(")
        (attribute,) = tokens.path()
        tokens.take(",")
        start = tokens.value()
        tokens.take(")")
        return str(attribute), [("begins", start)]
    (attribute,) = tokens.path()
    if tokens.word == "BETWEEN":
        tokens.take()
        low = tokens.value()
        tokens.take("AND")
        return str(attribute), [(">=", low), ("<=", tokens.value())]
    comparator = tokens.take()
    if comparator not in _COMPARATORS or comparator == "<>":
        raise MalformedExpression(f"Unsupported operator on KeyCondition: operator: {comparator}")
    return str(attribute), [(comparator, tokens.value())]


@lru_cache(maxsize=512)
def projection(text: str) -> tuple[tuple[Path, ...], frozenset[str]]:
    """The paths of a ProjectionExpression, and the names that it uses."""
    tokens = Tokens(text)
    paths = [tokens.path()]
    while tokens.next == ",":
        tokens.take()
        paths.append(tokens.path())
    tokens.end()
    return tuple(paths), frozenset(tokens.names)
