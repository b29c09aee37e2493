"""Calls a model's SageMaker endpoint, of whichever kind of model.

Errors of the call: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import random
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, ReadTimeoutError  # noqa: A004

from winback.predictions.requests import CONTENT_TYPE, EndpointUnavailable, RequestRefused

ATTEMPTS = 5
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
# A container has 60 seconds to answer, and the page above asks for a socket timeout of 70 when it may need them.
READ_TIMEOUT_SECONDS = 70
_PASSING = frozenset(
    {
        "InternalDependencyException",
        "InternalFailure",
        "ModelNotReadyException",
        "ServiceUnavailable",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class ModelEndpoint:
    """One endpoint by name. Waits between attempts and draws their jitter from what is passed in."""

    def __init__(
        self,
        name: str,
        client: Any = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._client = client or boto3.client("sagemaker-runtime", config=CLIENT_CONFIG)
        self._sleep = sleep
        self._jitter = jitter

    def invoke(self, body: bytes) -> bytes:
        """The answer's body, after up to five attempts at what passes by itself (throttling, start, 5xx, connection).

        Raises EndpointUnavailable when they all failed, on a timeout (its minute is gone; another would go too) and
        when there is no such endpoint; RequestRefused on a 4xx of the model or the service; ClientError when the call
        is not allowed.
        """
        reason, cause = "", Exception()
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS) * self._jitter())
            try:
                answer = self._client.invoke_endpoint(
                    EndpointName=self.name, Body=body, ContentType=CONTENT_TYPE, Accept=CONTENT_TYPE
                )
                content: bytes = answer["Body"].read()
            except ReadTimeoutError as error:
                raise EndpointUnavailable("timeout") from error
            except (ConnectionError, HTTPClientError) as error:
                reason, cause = type(error).__name__, error
            except ClientError as error:
                reason, cause = _passing_reason(error), error
            else:
                return content
        raise EndpointUnavailable(reason) from cause


# botocore would not retry a starting endpoint, and would retry a timeout: the attempts above are the only ones.
CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
)


def _passing_reason(error: ClientError) -> str:
    """The name of an error that may pass with time; raises what the others mean."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in _PASSING:
        return code
    if code == "ModelError":
        status = int(error.response.get("OriginalStatusCode", 500))  # type: ignore[call-overload]
        if 400 <= status < 500:
            detail = str(error.response.get("OriginalMessage", ""))[:500]
            raise RequestRefused(f"the model answered {status}: {detail}") from error
        if status in (0, 504):  # "Your invocation timed out while waiting for a response from container"
            raise EndpointUnavailable("timeout") from error
        return f"ModelError {status}"
    if code == "ValidationError":
        # The service has no code of its own for an endpoint that does not exist.
        if "not found" in message:
            raise EndpointUnavailable("endpoint not found") from error
        raise RequestRefused(f"the service refused the call: {message[:200]}") from error
    raise error
