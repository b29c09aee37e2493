import io
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from winback.aws.endpoints import ATTEMPTS, CLIENT_CONFIG, ModelEndpoint
from winback.predictions.requests import EndpointUnavailable, RequestRefused

ASKED = {
    "EndpointName": "winback-dev-churn-serverless",
    "Body": b"{}",
    "ContentType": "application/json",
    "Accept": "application/json",
}


class Runtime:
    """A real client whose HTTP is stubbed, and the waits that the endpoint asked for."""

    def __init__(self) -> None:
        client = boto3.client(
            "sagemaker-runtime",
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=CLIENT_CONFIG,
        )
        self.stub = Stubber(client)
        self.stub.activate()
        self.waits: list[float] = []
        self.endpoint = ModelEndpoint(ASKED["EndpointName"], client, sleep=self.waits.append, jitter=lambda: 1.0)  # type: ignore[arg-type]

    def answers(self, body: bytes) -> None:
        self.stub.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(body), len(body))}, ASKED)

    def fails(self, code: str, times: int = 1, message: str = "", status: int = 500, **fields: Any) -> None:
        for _ in range(times):
            self.stub.add_client_error("invoke_endpoint", code, message, status, modeled_fields=fields or None)


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def test_the_answer_is_the_models_body(runtime: Runtime) -> None:
    runtime.answers(b'{"rows": []}')
    assert runtime.endpoint.invoke(b"{}") == b'{"rows": []}'
    assert runtime.waits == []


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ModelNotReadyException", "ServiceUnavailable", "InternalFailure"]
)
def test_what_passes_by_itself_is_asked_again_after_a_growing_wait(runtime: Runtime, code: str) -> None:
    runtime.fails(code, times=3)
    runtime.answers(b"scores")
    assert runtime.endpoint.invoke(b"{}") == b"scores"
    assert runtime.waits == [0.5, 1.0, 2.0]


def test_an_endpoint_that_stays_throttled_is_unavailable(runtime: Runtime) -> None:
    runtime.fails("ThrottlingException", times=ATTEMPTS)
    with pytest.raises(EndpointUnavailable, match="ThrottlingException"):
        runtime.endpoint.invoke(b"{}")
    assert len(runtime.waits) == ATTEMPTS - 1


def test_a_crashing_model_is_unavailable_after_all_attempts(runtime: Runtime) -> None:
    runtime.fails("ModelError", times=ATTEMPTS, status=424, OriginalStatusCode=500, OriginalMessage="oops")
    with pytest.raises(EndpointUnavailable, match="ModelError 500"):
        runtime.endpoint.invoke(b"{}")


def test_a_model_that_runs_out_of_time_is_not_asked_again(runtime: Runtime) -> None:
    runtime.fails("ModelError", status=424, OriginalStatusCode=0, OriginalMessage="timed out")
    with pytest.raises(EndpointUnavailable, match="timeout"):
        runtime.endpoint.invoke(b"{}")
    assert runtime.waits == []


def test_a_refused_request_is_loud_and_says_why(runtime: Runtime) -> None:
    runtime.fails("ModelError", status=424, OriginalStatusCode=400, OriginalMessage="row 0: purchases: missing")
    with pytest.raises(RequestRefused, match="400: row 0: purchases: missing"):
        runtime.endpoint.invoke(b"{}")


def test_a_missing_endpoint_is_unavailable(runtime: Runtime) -> None:
    message = "Endpoint winback-dev-churn-serverless of account 000000000000 not found."
    runtime.fails("ValidationError", status=400, message=message)
    with pytest.raises(EndpointUnavailable, match="not found"):
        runtime.endpoint.invoke(b"{}")


def test_a_call_that_the_service_refuses_is_loud(runtime: Runtime) -> None:
    runtime.fails("ValidationError", status=413, message="Received a body of 5000000 bytes")
    with pytest.raises(RequestRefused, match="5000000"):
        runtime.endpoint.invoke(b"{}")


def test_a_forbidden_call_is_not_hidden_as_a_missing_score(runtime: Runtime) -> None:
    runtime.fails("AccessDeniedException", status=403)
    with pytest.raises(ClientError, match="AccessDenied"):
        runtime.endpoint.invoke(b"{}")


class Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def invoke_endpoint(self, **asked: Any) -> None:
        self.calls += 1
        raise self.error


def test_a_connection_that_fails_is_tried_again_and_a_silent_one_is_not() -> None:
    refused, silent = Broken(EndpointConnectionError(endpoint_url="x")), Broken(ReadTimeoutError(endpoint_url="x"))
    for client in (refused, silent):
        with pytest.raises(EndpointUnavailable):
            ModelEndpoint("churn", client, sleep=lambda seconds: None).invoke(b"{}")
    assert (refused.calls, silent.calls) == (ATTEMPTS, 1)
