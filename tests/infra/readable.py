"""Template values as text: intrinsics become placeholders, so that tests can compare them."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import Stage


def text(value: Any) -> str:
    """`{"Ref": "AWS::Region"}` is `<AWS::Region>`, an attribute `<LogicalId.Arn>`."""
    match value:
        case {"Ref": name} | {"Fn::FindInMap": [name, *_]}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(text(part) for part in parts)
        case {"Fn::Sub": pattern}:
            return str(pattern)
    return str(value)


def texts(value: Any) -> list[str]:
    return [text(item) for item in value] if isinstance(value, list) else [text(value)]


def policies_of_roles(stage: Stage) -> Iterator[tuple[str, dict[str, Any]]]:
    """(stack/role, statement) of every policy attached to a role."""
    for name, policy in stage.properties("AWS::IAM::Policy").items():
        stack = name.split("/")[0]
        for role in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield f"{stack}/{role['Ref']}", statement


def functions_by_role(stage: Stage) -> dict[str, str]:
    """stack/role -> function name."""
    return {
        f"{name.split('/')[0]}/{found['Role']['Fn::GetAtt'][0]}": found["FunctionName"]
        for name, found in stage.properties("AWS::Lambda::Function").items()
    }


def permissions(stage: Stage) -> dict[str, list[str]]:
    """Function -> lines such as `dynamodb:GetItem customers`, with the last part of the resource and its limits."""
    functions = functions_by_role(stage)
    lines: dict[str, set[str]] = {name: set() for name in functions.values()}
    for role, statement in policies_of_roles(stage):
        if role not in functions:
            continue
        for action in texts(statement["Action"]):
            for resource in texts(statement["Resource"]):
                lines[functions[role]].add(f"{action} {_last(resource)}{_limits(statement)}")
    return {name: sorted(found) for name, found in sorted(lines.items())}


def _last(resource: str) -> str:
    """The part after the ARN's account: `table/winback-prod-customers`, `winback-prod-lake/orders/*`."""
    if re.fullmatch(r"<\w+Log\w+\.Arn>", resource):
        return "its own log"
    if resource.startswith("<SsmParameterValue"):
        return "the key"
    plain = re.sub(r"<AWS::(\w+)>", r"<\1>", resource)
    return plain.rsplit(":", 1)[-1].replace("-<AccountId>-<Region>", "")


def _limits(statement: dict[str, Any]) -> str:
    found = [
        f"{key} {', '.join(sorted(texts(values)))}".replace(".<AWS::Region>.<AWS::URLSuffix>", "")
        for operator in statement.get("Condition", {}).values()
        for key, values in operator.items()
    ]
    return f" if {'; '.join(sorted(found))}" if found else ""
