"""The published JSON Schema of a condition: docs/condition.schema.json is what `winback slice --schema` prints."""

import json

from pydantic import TypeAdapter

from winback.slices.condition import Condition


def condition_schema() -> str:
    """JSON Schema 2020-12 as text. It says nothing of depth, of a currency's decimals, or which slices there are."""
    described = TypeAdapter(Condition).json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Condition of a slice",
        "description": "A set of customers. What is not known matches no comparison; not is the complement.",
        **described,
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
