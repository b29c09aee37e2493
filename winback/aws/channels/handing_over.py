"""One attempt to hand a message to a provider, and what its errors mean, whichever the provider.

Nothing is retried here: a retry could send a message twice. https://docs.aws.amazon.com/botocore/latest/reference/config.html
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ReadTimeoutError,
)

from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear

# Of all calls that one message takes together, with the writes around them: below SHORT_OF_TIME of
# winback.delivery.sending.
CONNECT_SECONDS, READ_SECONDS = 3.0, 8.0
# What any AWS service may say of a caller that is too fast:
# https://docs.aws.amazon.com/botocore/latest/reference/retries.html and each service's CommonErrors.
_TOO_FAST = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "Throttled",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
    }
)


def one_attempt(service: str, *, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> Any:
    """A client that asks once, with time-outs (seconds) well below a function's own time."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=16,  # as many rows as one sender has under way at a time, and some
        ),
    )


@dataclass(frozen=True)
class Meanings:
    """What the error codes of one API mean; any other client error is an operator's to mend."""

    provider: str
    refused: Collection[str] = ()  # this message, for good
    later: Collection[str] = ()  # nothing was taken; not within seconds


def handed_over(call: Callable[[], str], meanings: Meanings) -> Answer:
    """`call` asks the provider and returns its message id. Raises ProviderMisconfigured when it takes nothing until an
    operator acts."""
    try:
        return Accepted(call())
    except ClientError as error:
        return answer_of(error, meanings)
    except ParamValidationError:
        return Refused("ParamValidation")
    except (ConnectTimeoutError, EndpointConnectionError) as error:  # no connection, so nothing was handed over
        return Throttled(type(error).__name__)
    except (ReadTimeoutError, HTTPClientError) as error:
        return Unclear(type(error).__name__)
    except BotoCoreError as error:  # credentials, region, endpoint: before any call
        raise ProviderMisconfigured(type(error).__name__, meanings.provider) from error


def prepared(call: Callable[[], str], meanings: Meanings) -> str | Answer:
    """What `call` returns, for a call that must come before the message is handed over: nothing was taken yet, so
    whatever stays unclear may be asked again."""
    match handed_over(call, meanings):
        case Accepted(found):
            return found
        case Unclear(code):
            return Throttled(code)
        case answer:
            return answer


def answer_of(error: ClientError, meanings: Meanings) -> Answer:
    """`refused` and `later` name a code, or a code with its reason: `ConflictException/RESOURCE_NOT_ACTIVE`.

    Raises ProviderMisconfigured.
    """
    code, status = code_of(error), int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    names = {code, code.partition("/")[0]}
    if names & _TOO_FAST or status == 429:
        return Throttled(code, brief=True)
    if names & set(meanings.later):
        return Throttled(code)
    if names & set(meanings.refused):
        return Refused(code)
    if status >= 500 or status == 0:
        return Unclear(code)
    raise ProviderMisconfigured(code, meanings.provider) from error


def code_of(error: ClientError) -> str:
    """`ConflictException/DESTINATION_PHONE_NUMBER_OPTED_OUT`: the code, with the reason where the service gives one."""
    code, reason = str(error.response["Error"]["Code"]), error.response.get("Reason")
    return f"{code}/{reason}" if reason else code
