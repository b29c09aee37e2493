"""For an operator's direct call (`aws lambda invoke`): accounts and their API keys. Not reachable from outside.

    {"action": "create_account", "account_id": "acme", "name": ..., "currency": ..., "sender": {...}, "public_url": ...}
    {"action": "update_account", "account_id": "acme", "quiet_hours": {"start": "20:00", "end": "09:00"}}
    {"action": "create_key", "account_id": "acme"}
    {"action": "revoke_key", "account_id": "acme", "key_id": ...}

`create_account` takes every field of winback.accounts.Account; `update_account` those that change, as a JSON merge
patch: within an object too what is left out stays, and null takes a setting back to its default. What can be set beside
name, zone, sender and URLs: `frequency_caps`, `quiet_hours`, `unknown_zone`, `global_holdout`, `channels`, `warm_up`,
`unknown_sends`, `locale` and `brand` (docs/data-model.md).

A key is in the answer of the call that makes it, and nowhere else; `key_id` beside it is what revokes it.
"""

from typing import Any

from aws_lambda_powertools import Logger
from pydantic import TypeAdapter, ValidationError

from functions.admin_accounts.actions import Action, Parts, perform
from winback.fields import field_problems

logger = Logger()
_ACTIONS: TypeAdapter[Action] = TypeAdapter(Action)


class InvalidRequest(ValueError):
    """Names every field that does not fit."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    try:
        return perform(_ACTIONS.validate_python({"action": "create_account", **event}), Parts.from_environment())
    except ValidationError as error:
        problems = "; ".join(f"{p.field} {p.problem} (expected {p.expected})" for p in field_problems(error))
        raise InvalidRequest(problems) from None
