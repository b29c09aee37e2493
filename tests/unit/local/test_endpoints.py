"""The model server keeps SageMaker's contract: scripts, limits, error shapes."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser

from local.endpoints import Answer, Container, Endpoints
from local.permissions import AccessDenied

SCRIPT = """
import json, time
class Refusal:
    def __call__(self, environ, start_response):
        start_response("422 Refused", [("Content-Type", "application/json")])
        return [b'{"error": "no"}']
def model_fn(model_dir):
    return json.load(open(model_dir + "/model.json"))
def input_fn(body, content_type):
    if content_type == "application/json":
        assert isinstance(body, str)
        return json.loads(body)
    return body
def predict_fn(data, model):
    if data == "explode":
        raise RuntimeError("secret detail")
    if data == "sleep":
        time.sleep(1)
    if data == "refuse":
        return data
    return {"data": data if isinstance(data, str) else len(data), "factor": model["factor"]}
def output_fn(prediction, accept):
    return Refusal() if prediction == "refuse" else (json.dumps(prediction), "application/json")
"""


def check(authorization: str, action: str, resources: Sequence[str]) -> None:
    if authorization == "a stranger":
        raise AccessDenied(f"not authorized to perform: {action} on resource: {resources[0]}")


@pytest.fixture
def endpoints(tmp_path: Path) -> Endpoints:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, text in (("model.json", '{"factor": 3}'), ("code/inference.py", SCRIPT)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
    return Endpoints({"churn": Container("churn", archive, tmp_path / "work")}, check=check, timeout_seconds=0.3)


def call(endpoints: Endpoints, body: bytes, endpoint: str = "churn", content_type: str = "application/json") -> Answer:
    headers = {
        "Content-Type": content_type,
        "Accept": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "trace-1",
    }
    return endpoints.handle("POST", f"/endpoints/{endpoint}/invocations", headers, body)


def error_as_the_sdk_sees_it(answer: Answer) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    wire = {"status_code": answer.status, "headers": headers, "body": answer.body}
    operation = model.operation_model("InvokeEndpoint")
    parsed: dict[str, Any] = create_parser("rest-json").parse(wire, operation.output_shape)
    code = parsed["Error"]["Code"]
    shape = model.shape_for(code) if code == "ModelError" else None
    if shape is not None:
        parsed |= create_parser("rest-json").parse({**wire, "status_code": 200}, shape)
    return parsed


def test_a_call_runs_the_scripts_four_functions(endpoints: Endpoints) -> None:
    answer = call(endpoints, b'"rows"')
    assert (answer.status, json.loads(answer.body)) == (200, {"data": "rows", "factor": 3})
    assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace-1"
    assert answer.headers["x-Amzn-Invoked-Production-Variant"] == "AllTraffic"


def test_bytes_stay_bytes(endpoints: Endpoints) -> None:
    assert json.loads(call(endpoints, b"\xff\x00", content_type="application/x-npy").body)["data"] == 2


def test_what_the_script_refuses_reaches_the_caller_with_status_and_reason(endpoints: Endpoints) -> None:
    seen = error_as_the_sdk_sees_it(call(endpoints, b'"refuse"'))
    assert seen["Error"]["Code"] == "ModelError"
    assert (seen["OriginalStatusCode"], seen["OriginalMessage"]) == (422, '{"error": "no"}')


def test_an_exception_in_the_script_is_a_500_without_its_detail(endpoints: Endpoints) -> None:
    seen = error_as_the_sdk_sees_it(call(endpoints, b'"explode"'))
    assert seen["OriginalStatusCode"] == 500
    assert "secret" not in seen["Error"]["Message"]


def test_an_unknown_endpoint_is_named(endpoints: Endpoints) -> None:
    seen = error_as_the_sdk_sees_it(call(endpoints, b"1", endpoint="other"))
    assert seen["Error"]["Code"] == "ValidationError"
    assert "other" in seen["Error"]["Message"]


def test_a_body_over_four_megabytes_is_refused(endpoints: Endpoints) -> None:
    assert call(endpoints, b'"' + b"x" * 4 * 1024 * 1024 + b'"').status == 413


def test_a_slow_model_times_out(endpoints: Endpoints) -> None:
    assert error_as_the_sdk_sees_it(call(endpoints, b'"sleep"'))["OriginalStatusCode"] == 504


def test_an_endpoint_can_be_taken_down_and_brought_back(endpoints: Endpoints) -> None:
    endpoints.handle("POST", "/_control/endpoints/churn/kill", {}, b"")
    assert error_as_the_sdk_sees_it(call(endpoints, b"1"))["Error"]["Code"] == "ServiceUnavailable"
    endpoints.handle("POST", "/_control/endpoints/churn/restore", {}, b"")
    assert call(endpoints, b'"x"').status == 200


def test_a_caller_whose_role_does_not_allow_it_is_told_what_is_missing(endpoints: Endpoints) -> None:
    answer = endpoints.handle("POST", "/endpoints/churn/invocations", {"Authorization": "a stranger"}, b"1")
    seen = error_as_the_sdk_sees_it(answer)
    assert seen["Error"]["Code"] == "AccessDeniedException"
    assert (
        "sagemaker:InvokeEndpoint on resource: arn:aws:sagemaker:us-east-1:000000000000:endpoint/churn"
        in (seen["Error"]["Message"])
    )
