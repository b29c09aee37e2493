"""The stand-ins check a caller's role, and say what is missing."""

from typing import Any

import pytest

from local.permissions import AccessDenied, Permissions, session_key

SENDER = {
    "FunctionName": "winback-local-sender",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:winback-local-sender",
    "Role": "arn:aws:iam::000000000000:role/sender-role",
}
KEY, _ = session_key(SENDER)


class Emulator:
    """IAM and Lambda of one function whose role allows what `allowed` says."""

    def __init__(self) -> None:
        self.allowed = {"ses:SendEmail"}

    def get_paginator(self, _: str) -> "Emulator":
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Functions": [SENDER]}]

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        assert request["PolicySourceArn"] == SENDER["Role"]
        [action] = request["ActionNames"]
        return {"EvaluationResults": [{"EvalDecision": "allowed" if action in self.allowed else "implicitDeny"}]}


def signed_by(key: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential={key}/20261121/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=0"


def test_a_role_may_do_what_its_policy_allows_and_nothing_else() -> None:
    emulator, now = Emulator(), [0.0]
    permissions = Permissions(iam=emulator, functions=emulator, root_key="test", ticks=lambda: now[0])
    permissions.check(signed_by(KEY), "ses:SendEmail", ["*"])
    with pytest.raises(AccessDenied, match=r"sender-role/winback-local-sender is not authorized .*: ses:GetAccount on"):
        permissions.check(signed_by(KEY), "ses:GetAccount", ["*"])
    emulator.allowed.clear()
    now[0] = 3.0
    with pytest.raises(AccessDenied, match="ses:SendEmail"):
        permissions.check(signed_by(KEY), "ses:SendEmail", ["*"])


def test_root_passes_and_an_unknown_or_missing_key_does_not() -> None:
    emulator = Emulator()
    permissions = Permissions(iam=emulator, functions=emulator, root_key="test", ticks=lambda: 0.0)
    permissions.check(signed_by("test"), "ses:GetAccount", ["*"])
    for header in (signed_by("ASIAUNKNOWN"), ""):
        with pytest.raises(AccessDenied, match="token"):
            permissions.check(header, "ses:SendEmail", ["*"])
