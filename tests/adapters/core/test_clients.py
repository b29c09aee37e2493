"""Clients that wait for no connection that hangs, and those that ask but once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.adapters.hanging import hanging
from winback.aws import clients
from winback.aws.channels.handing_over import one_attempt
from winback.aws.channels.push import push_client
from winback.aws.tables import table

ROOT = Path(__file__).parents[3]
SENDER_SECONDS, AUTHORIZER_SECONDS = 60, 10
STATED = {"clients.py", "tables.py", "handing_over.py", "endpoints.py", "preflight.py"}  # each with its time-outs
ON_A_LAPTOP = {"sdk_jobs.py"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_MAX_ATTEMPTS": "5",
        "AWS_RETRY_MODE": "adaptive",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_table_that_hangs_is_asked_again_and_nobody_notices() -> None:
    things = table("things")
    asked = hanging(things.meta.client, times=1)
    assert "Item" not in things.get_item(Key={"pk": "a", "sk": "b"})
    assert len(asked) == 2


@pytest.mark.parametrize("make", [lambda: table("things").meta.client, lambda: clients.quick("sqs"), clients.s3])
def test_a_call_that_hangs_at_every_attempt_ends_before_its_sender_and_one_that_hangs_once_goes_on(
    make: Callable[[], Any],
) -> None:
    config = make().meta.config
    assert config.retries["mode"] == "standard"
    longest = max(config.connect_timeout, config.read_timeout)
    assert config.retries["total_max_attempts"] * longest < SENDER_SECONDS - 10
    if make is not clients.s3:
        assert longest < AUTHORIZER_SECONDS - 2


@pytest.mark.parametrize(
    ("client", "call"),
    [
        (lambda: one_attempt("sns"), lambda client: client.publish(PhoneNumber="+358401234567", Message="x")),
        (push_client, lambda client: client.publish(TargetArn="arn:aws:sns:x", Message="x")),
        (
            lambda: one_attempt("pinpoint-sms-voice-v2"),
            lambda client: client.send_text_message(DestinationPhoneNumber="+358401234567"),
        ),
    ],
)
def test_what_hands_over_a_message_asks_once_whatever_the_environment_says(
    client: Callable[[], Any], call: Callable[[Any], Any]
) -> None:
    made = client()
    asked = hanging(made)
    with pytest.raises(ReadTimeoutError):
        call(made)
    assert len(asked) == 1


def test_no_client_waits_a_minute_for_each_of_its_attempts() -> None:
    sources = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("winback/aws/**/*.py")]
    made = [path for path in sources if re.search(r"\.(client|resource)\(", path.read_text("utf-8"))]
    assert {path.name for path in made} - ON_A_LAPTOP == STATED
