"""SageMaker's runtime API on this machine: serves a model archive's own `inference.py` as the container does.

What makes and moves endpoints comes to the same port (local/hosting.py), and so do training jobs (local/trainings.py);
local/sagemaker.py starts them together.

Contract of the script (model_fn, input_fn, predict_fn, output_fn):
https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html. Call, errors and limits:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (4 MB, 60 seconds).
"""

import importlib.util
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from local.answers import Answer, error_answer, json_answer
from local.permissions import AccessDenied
from local.place import ACCOUNT, REGION

MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
TIMEOUT_SECONDS = 60.0
_ARNS = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
VARIANT = "AllTraffic"
# The container hands these to input_fn as text, everything else as bytes (sagemaker_containers, _content_types.py).
_TEXT_TYPES = ("application/json", "text/csv")
_CUSTOM = "X-Amzn-SageMaker-Custom-Attributes"


class Container:
    """One loaded model: what runs behind an endpoint."""

    def __init__(self, name: str, archive: Path, workspace: Path) -> None:
        """Unpacks the archive and calls `model_fn`. Raises what the script raises."""
        self.directory = workspace / name
        self.directory.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as packed:
            packed.extractall(self.directory, filter="data")
        self._script = _import_script(name, self.directory / "code" / "inference.py")
        self._model = self._script.model_fn(str(self.directory))

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[int, bytes, str]:
        """Status, body and content type that the container answers a request with."""
        media_type = content_type.partition(";")[0].strip().lower()
        given: bytes | str = body.decode() if media_type in _TEXT_TYPES else body
        prediction = self._script.predict_fn(self._script.input_fn(given, content_type), self._model)
        return _response(self._script.output_fn(prediction, accept), accept)


def _import_script(name: str, path: Path) -> ModuleType:
    module_name = f"inference_of_{name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"the model archive has no {path.name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up
    neighbours = {script.stem for script in path.parent.glob("*.py")} - {path.stem}
    sys.path.insert(0, str(path.parent))  # each archive brings its own, so another's must not be found
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        for other in neighbours & sys.modules.keys():
            sys.modules[f"{module_name}.{other}"] = sys.modules.pop(other)
    return module


def _response(result: Any, accept: str) -> tuple[int, bytes, str]:
    """As the container reads what output_fn returned: a body, (body, content type), or a WSGI response."""
    if callable(result):
        seen: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            seen["status"] = int(status.split(maxsplit=1)[0])
            seen["headers"] = {key.lower(): value for key, value in headers}

        body = b"".join(result({"REQUEST_METHOD": "POST"}, start))
        return seen["status"], body, seen["headers"].get("content-type", "application/octet-stream")
    body, content_type = result if isinstance(result, tuple) else (result, accept)
    return 200, body.encode() if isinstance(body, str) else bytes(body), content_type


class Endpoints:
    """The endpoints of this machine by name. Safe between threads."""

    def __init__(
        self,
        containers: Mapping[str, Container],
        *,
        check: Callable[[str, str, Sequence[str]], None],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """`check(authorization header, action, resources)` raises AccessDenied."""
        self._containers = dict(containers)
        self._check = check
        self._down: set[str] = set()
        self._left: dict[str, int] = {}
        """Calls that an endpoint still answers before it goes down."""
        self._timeout = timeout_seconds
        self._workers = ThreadPoolExecutor(16)
        self.invocations: dict[str, int] = dict.fromkeys(containers, 0)
        self._counting = threading.Lock()

    @property
    def names(self) -> list[str]:
        return sorted(self._containers)

    def container(self, name: str) -> Container:
        return self._containers[name]

    def replace(self, name: str, container: Container) -> None:
        """From the next call on; those under way end on the old one."""
        self._containers[name] = container

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        match method, unquote(path).strip("/").split("/"):
            case "POST", ["endpoints", name, "invocations"]:
                return self._invoke(name, {key.lower(): value for key, value in headers.items()}, body)
            case "POST", ["_control", "endpoints", name, ("kill" | "restore") as verb] if name in self._containers:
                (self._down.add if verb == "kill" else self._down.discard)(name)
                return json_answer(200, {"endpoint": name, "in_service": name not in self._down})
            case "POST", ["_control", "endpoints", name, "kill", calls] if name in self._containers:
                self._left[name] = int(calls)
                return json_answer(200, {"endpoint": name, "calls_left": self._left[name]})
            case "GET", ["_control", "counts"]:
                return json_answer(200, {"invocations": self.invocations})
            case "GET", ["ping"]:
                return json_answer(200, {"endpoints": sorted(self._containers)})
        return error_answer(404, "UnknownOperationException", f"{method} {path}")

    def _invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            self._check(headers.get("authorization", ""), "sagemaker:InvokeEndpoint", [f"{_ARNS}:endpoint/{name}"])
        except AccessDenied as denied:
            return error_answer(403, "AccessDeniedException", str(denied))
        container = self._containers.get(name)
        if container is None:
            return error_answer(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        if len(body) > MAX_PAYLOAD_BYTES:
            return error_answer(
                413, "ValidationError", f"Received a body of {len(body)} bytes: at most {MAX_PAYLOAD_BYTES}"
            )
        if name in self._down:
            return error_answer(
                503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."
            )
        with self._counting:
            self.invocations[name] += 1
            if name in self._left:
                self._left[name] -= 1
                if self._left[name] <= 0:
                    del self._left[name]
                    self._down.add(name)
        content_type = headers.get("content-type", "application/octet-stream")
        accept = headers.get("accept", "*/*")
        running = self._workers.submit(container.transform, body, content_type, accept)
        try:
            status, content, kind = running.result(self._timeout)
        except FutureTimeout:
            message = "Your invocation timed out while waiting for a response from container primary."
            return _model_error(name, 504, message)
        except Exception as error:  # noqa: BLE001 whatever the script raises, the container answers with a bare 500
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            return _model_error(name, 500, "Internal Server Error")
        if status >= 400:
            return _model_error(name, status, content.decode(errors="replace"))
        if len(content) > MAX_PAYLOAD_BYTES:
            return _model_error(name, 500, f"The answer has {len(content)} bytes: at most {MAX_PAYLOAD_BYTES}")
        custom = {_CUSTOM: headers[_CUSTOM.lower()]} if _CUSTOM.lower() in headers else {}
        return Answer(200, content, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": VARIANT, **custom})


def _model_error(name: str, original_status: int, original_message: str) -> Answer:
    body = {
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL" if original_status < 500 else "SERVER_ERROR_FROM_MODEL",
        "Message": f"Received {'client' if original_status < 500 else 'server'} error ({original_status}) from primary "
        f'with message "{original_message}".',
        "OriginalStatusCode": original_status,
        "OriginalMessage": original_message,
        "LogStreamArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/{name}",
    }
    return json_answer(424, body, {"x-amzn-ErrorType": "ModelError"})
