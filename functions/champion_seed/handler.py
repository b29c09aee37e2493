"""CloudFormation custom resource: puts the first model on the champion key, unless a champion is there already.

A promoted model is never overwritten: the write is conditional, so a deployment that races a promotion loses.
"""

import json
import urllib.request
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from winback.aws.clients import s3

logger = Logger()
_ANSWER_SECONDS = 10
_CHAMPION_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ARG001
    """Answers CloudFormation in every case: without an answer a deployment waits for an hour. The answer carries the
    error itself, for a deployment that fails takes this function's log with it."""
    properties = event["ResourceProperties"]
    champion = f"{properties['Bucket']}/{properties['Key']}"
    try:
        if event["RequestType"] != "Delete":  # the bucket outlives the stack, and so does its champion
            logger.info("champion seeded" if seed(properties) else "a champion is there already", champion=champion)
    except Exception as error:
        _answer(event, champion, "FAILED", f"{type(error).__name__}: {error}")
        raise
    _answer(event, champion, "SUCCESS", "")


def seed(properties: dict[str, str]) -> bool:
    """Copies SourceBucket/SourceKey to Bucket/Key; returns False, and changes nothing, when an object is there."""
    objects = s3()
    model = objects.get_object(Bucket=properties["SourceBucket"], Key=properties["SourceKey"])["Body"].read()
    try:
        objects.put_object(Bucket=properties["Bucket"], Key=properties["Key"], Body=model, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in _CHAMPION_EXISTS:
            return False
        raise
    return True


def _answer(event: dict[str, Any], champion: str, status: str, reason: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html"""
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": champion,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(  # noqa: S310 - the address is CloudFormation's own
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"content-type": ""}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310
        pass
