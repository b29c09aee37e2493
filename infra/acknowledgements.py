"""Acknowledged findings of cdk-nag: each names one construct, one finding and a reason."""

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

from infra.access import Permission


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """`finding` is the id that cdk-nag prints: `AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_patterns(construct: IConstruct, permission: Permission) -> None:
    """The findings about a permission's resource patterns, with the permission's own reason."""
    for resource in permission.resources:
        name = readable(Stack.of(construct).resolve(resource))
        if "*" in name and permission.reason:
            acknowledge(construct, f"AwsSolutions-IAM5[Resource::{name}]", permission.reason)


def readable(resource: Any) -> str:
    """A resolved resource as cdk-nag prints it: `{"Ref": "AWS::Partition"}` is `<AWS::Partition>`."""
    match resource:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": ["", parts]}:
            return "".join(readable(part) for part in parts)
        case _:
            return str(resource)
