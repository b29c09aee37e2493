"""Acknowledged findings of cdk-nag: each names one construct, one finding and a reason."""

import re

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from infra.access import Permission


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """`finding` is the id that cdk-nag prints: `AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_patterns(construct: IConstruct, permission: Permission) -> None:
    """The findings about a permission's resource patterns, with the permission's own reason."""
    for resource in permission.resources:
        if "*" in readable(resource) and permission.reason:
            acknowledge(construct, f"AwsSolutions-IAM5[Resource::{readable(resource)}]", permission.reason)


def readable(resource: str) -> str:
    """A resource as cdk-nag prints it: `${Token[AWS.Partition.4]}` is `<AWS::Partition>`."""
    return re.sub(r"\$\{Token\[AWS\.([A-Za-z]+)\.\d+\]\}", r"<AWS::\1>", resource)
