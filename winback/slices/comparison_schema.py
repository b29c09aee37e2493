"""What JSON Schema can say of comparisons."""

from typing import Any

from winback.slices.columns import COLUMNS, Column, Kind
from winback.slices.operands import KNOWING, MAX_VALUES, OPERATORS, ORDER, Operator

_JSON_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.MONEY: {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d{1,15}(\.\d{1,3})?$"}]},
    Kind.WHOLE: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.FLAG: {"type": "boolean"},
    Kind.TEXT: {"type": "string", "minLength": 1, "maxLength": 128},
}


def comparison_schemas() -> list[dict[str, Any]]:
    """One schema for all columns whose values are written alike."""
    alike: dict[tuple[Kind, tuple[str, ...]], list[Column]] = {}
    for column in COLUMNS.values():
        alike.setdefault((column.kind, column.values), []).append(column)
    return [_schema_of(columns) for columns in alike.values()]


def _schema_of(columns: list[Column]) -> dict[str, Any]:
    kind, values = columns[0].kind, columns[0].values
    one = {"enum": list(values)} if values else _JSON_KINDS[kind]
    allowed = OPERATORS[kind]
    singles = [str(name) for name in allowed if name in ORDER]
    shapes: list[dict[str, Any]] = [
        {"properties": {"operator": {"enum": singles}, "value": one}, "required": ["value"]},
        {"properties": {"operator": {"enum": [str(name) for name in KNOWING]}, "value": {"type": "null"}}},
    ]
    for name, fewest, most in ((Operator.IN, 1, MAX_VALUES), (Operator.BETWEEN, 2, 2)):
        if name in allowed:
            several = {"type": "array", "items": one, "minItems": fewest, "maxItems": most}
            shapes.append({"properties": {"operator": {"const": str(name)}, "value": several}, "required": ["value"]})
    return {
        "title": f"{kind} column" if len(columns) > 1 else columns[0].name,
        "description": "; ".join(f"{column.name}: {column.meaning}" for column in columns),
        "properties": {"column": {"enum": [column.name for column in columns]}},
        "anyOf": shapes,
    }
