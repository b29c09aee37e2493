"""Pydantic models as DynamoDB items: JSON, with decimals where DynamoDB takes no floats."""

import json
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from winback.stored import STORED

Model = TypeVar("Model", bound=BaseModel)


def to_item(model: BaseModel) -> dict[str, Any]:
    """Attributes of the model; those that are None are left out."""
    item: dict[str, Any] = json.loads(model.model_dump_json(exclude_none=True), parse_float=Decimal)
    return item


def from_item(cls: type[Model], item: dict[str, Any]) -> Model:
    """Attributes that the model does not know (the key, a newer release's) are passed over. What an older release
    stored stays readable where newer rules would refuse it (winback.stored)."""
    known = {name: value for name, value in item.items() if name in cls.model_fields}
    return cls.model_validate(known, context=STORED)
