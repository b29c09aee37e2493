"""Clients of AWS that give up on a connection which hangs long before the function that waits for it must.

botocore waits a minute for each of five attempts, of ten at a table
(https://docs.aws.amazon.com/botocore/latest/reference/config.html): a single answer that gets lost would use up a
sender's minute, and its lease. Of calls of a table 0.00002 % were seen to hang
(https://seed.run/blog/how-to-fix-dynamodb-timeouts-in-serverless-application), one in a launch of a million.

`quick` is for what answers in milliseconds: tables, queues, secrets, workflows, SES's quota. A connection that hangs
costs 6 seconds, then another one is tried: also the authorizer outlives that in its 10. Four in a row are 24 seconds
and the waits between them: about the 29 of an API, and half of the minute of sender and feeder. A connection gets 2
seconds, for a packet that is lost is sent again after 1.

`patient` is for what works before it answers, or moves megabytes: SageMaker, S3. Python counts what is sent in one
piece to the time for the connection, hence 10 seconds of it; each piece of an answer gets 15. Three attempts that hang
are 45 seconds, of functions that have minutes; the sender's minute bears them too.

Whatever is asked of these may be done twice, when only the answer was lost: ledger, contacts and counters bear that. A
message does not, and is handed over by clients that ask once (winback.aws.channels.handing_over).
"""

from typing import Any

import boto3
from botocore.config import Config

QUICK = Config(connect_timeout=2, read_timeout=6, retries={"total_max_attempts": 4, "mode": "standard"})
PATIENT = Config(connect_timeout=10, read_timeout=15, retries={"total_max_attempts": 3, "mode": "standard"})


def quick(service: str) -> Any:
    return boto3.client(service, config=QUICK)  # type: ignore[call-overload]


def patient(service: str) -> Any:
    return boto3.client(service, config=PATIENT)  # type: ignore[call-overload]


def s3() -> Any:
    """Links to objects under a customer key must be signed with version 4:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"""
    return boto3.client("s3", config=PATIENT.merge(Config(signature_version="s3v4")))


def unchecked_tables() -> Any:
    """For a million items, which a first refresh writes within minutes: the checks of each item cost as much as all the
    rest, and a table that grows into its load says no for longer."""
    longer = Config(retries={"total_max_attempts": 10, "mode": "standard"}, parameter_validation=False)
    return boto3.client("dynamodb", config=QUICK.merge(longer))
