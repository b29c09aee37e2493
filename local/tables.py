"""A table as the stages have them, on whatever answers boto3: the mock of AWS or the emulator."""

from typing import Any

import boto3


def new_table(name: str, region: str | None = None) -> Any:
    """A resource of the new table; without a region in the environment's own."""
    return boto3.resource("dynamodb", region_name=region).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
