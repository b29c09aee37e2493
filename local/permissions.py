"""IAM for the stand-ins: SES and SageMaker calls are checked against the caller's role, as the emulator checks its own.

The emulator gives each function's workers one session key, `ASIA` and the first 16 hex digits of
SHA-256("{function ARN}:{role ARN}") (ministack/core/lambda_runtime.py, execution_credentials), so a key names its role;
what the role may do is asked of the emulator's SimulatePrincipalPolicy. Signatures are not verified here.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

_CREDENTIAL = re.compile(r"Credential=([A-Za-z0-9]+)/")
_REMEMBER_SECONDS = 2.0  # a changed policy counts this soon


class AccessDenied(Exception):
    """The caller's role does not allow the call; the text names role, action and resource as AWS does."""


@dataclass(frozen=True)
class Caller:
    role: str  # ARN
    session: str  # ARN of the assumed role's session


class Permissions:
    """Answers for one emulator. Safe between threads."""

    def __init__(self, *, iam: Any, functions: Any, root_key: str, ticks: Callable[[], float]) -> None:
        """`iam`, `functions`: boto3 clients of IAM and Lambda; `root_key` passes everything."""
        self._iam, self._functions, self._root, self._ticks = iam, functions, root_key, ticks
        self._callers: dict[str, Caller] = {}
        self._allowed: dict[tuple[str, str, str], tuple[float, bool]] = {}
        self._lock = threading.Lock()

    def check(self, authorization: str, action: str, resources: Sequence[str]) -> None:
        """Raises AccessDenied unless the signer of the request may do `action` on all `resources`."""
        found = _CREDENTIAL.search(authorization)
        key = found.group(1) if found else ""
        if key == self._root:
            return
        with self._lock:
            caller = self._caller(key)
            for resource in resources:
                if not self._may(caller, action, resource):
                    raise AccessDenied(
                        f"User: {caller.session} is not authorized to perform: {action} on resource: {resource} "
                        f"because no identity-based policy allows the {action} action"
                    )

    def check_role(self, role: str, action: str, resources: Sequence[str]) -> None:
        """The same for a role (ARN) that a service works with, such as a training job's."""
        with self._lock:
            for resource in resources:
                if not self._may(Caller(role, role), action, resource):
                    raise AccessDenied(f"Role: {role} is not authorized to perform: {action} on resource: {resource}")

    def _caller(self, key: str) -> Caller:
        if key not in self._callers:
            pages = self._functions.get_paginator("list_functions").paginate()
            self._callers = dict(map(session_key, (one for page in pages for one in page["Functions"])))
        if key not in self._callers:
            raise AccessDenied("The security token included in the request is invalid.")
        return self._callers[key]

    def _may(self, caller: Caller, action: str, resource: str) -> bool:
        at, allowed = self._allowed.get((caller.role, action, resource), (float("-inf"), False))
        if self._ticks() - at > _REMEMBER_SECONDS:
            answer = self._iam.simulate_principal_policy(
                PolicySourceArn=caller.role, ActionNames=[action], ResourceArns=[resource]
            )
            allowed = all(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])
            self._allowed[caller.role, action, resource] = (self._ticks(), allowed)
        return allowed


def session_key(function: dict[str, Any]) -> tuple[str, Caller]:
    """Access key and caller of a function's configuration (`FunctionArn`, `FunctionName`, `Role`)."""
    arn, role = function["FunctionArn"], function["Role"]
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    session = f"arn:aws:sts::{account}:assumed-role/{name}/{function['FunctionName'][:64]}"
    return f"ASIA{hashlib.sha256(f'{arn}:{role}'.encode()).hexdigest()[:16].upper()}", Caller(role, session)


def permissions_of_the_environment(root_key: str, ticks: Callable[[], float]) -> Permissions:
    """Asks the emulator that AWS_ENDPOINT_URL names."""
    return Permissions(iam=boto3.client("iam"), functions=boto3.client("lambda"), root_key=root_key, ticks=ticks)
