"""Request authorizer of the REST API: header `x-api-key` -> account, in the context that the other functions read.

Answers as API Gateway's Lambda authorizers must:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.api_keys import ApiKeys
from winback.aws.environment import read_settings
from winback.aws.tables import table
from winback.identifiers import AccountId

logger = Logger()
HEADER = "x-api-key"
_LONGEST_KEY = 200


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


@cache
def api_keys() -> ApiKeys:
    return ApiKeys(table(read_settings(Settings).campaigns_table))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    account_id = _account_of(event.get("headers") or {})
    # The answer is cached by key, so it must hold for every path of this stage and not just for the one asked for.
    api, stage = event["methodArn"].split("/")[:2]
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny" if account_id is None else "Allow",
        "Resource": f"{api}/{stage}/*",
    }
    return {
        "principalId": account_id or "nobody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {} if account_id is None else {"account_id": account_id},
    }


def _account_of(headers: dict[str, str]) -> AccountId | None:
    secret = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    return api_keys().account_of(secret) if 0 < len(secret) <= _LONGEST_KEY else None
