"""The server that stands in for SageMaker: endpoints are called, made and moved, and training jobs run, on one port."""

import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer

from local.endpoints import Container, Endpoints
from local.hosting import Hosting
from local.permissions import permissions_of_the_environment
from local.place import ACCESS_KEY
from local.trainings import Trainings


class Handler(BaseHTTPRequestHandler):
    """Bytes to whom they are for, and back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, endpoints: Endpoints, hosting: Hosting, trainings: Trainings, *arguments: Any) -> None:
        self._endpoints, self._hosting, self._trainings = endpoints, hosting, trainings
        super().__init__(*arguments)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target")
        if target is not None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            control = self._hosting if self._hosting.serves(target) else self._trainings
            answer = control.handle(target, headers, body)
        else:
            answer = self._endpoints.handle(self.command, self.path, dict(self.headers.items()), body)
        self.send_response(answer.status)
        for key, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: failures are printed where they happen."""


def main(
    port: Annotated[int, typer.Option()],
    workspace: Annotated[Path, typer.Option(help="folder to unpack archives in")],
    model: Annotated[list[str], typer.Option(help="ENDPOINT=ARCHIVE, as often as needed")],
    code: Annotated[list[str], typer.Option(help="PREFIX=FOLDER: the code of training jobs whose name starts so")],
) -> None:
    pairs = [entry.partition("=") for entry in model]
    containers = {name: Container(name, Path(archive), workspace) for name, _, archive in pairs}
    permissions = permissions_of_the_environment(ACCESS_KEY, time.monotonic)
    endpoints = Endpoints(containers, check=permissions.check)
    s3 = boto3.client("s3")
    hosting = Hosting(
        endpoints,
        workspace,
        s3=s3,
        cloudwatch=boto3.client("cloudwatch"),
        check=permissions.check,
        check_role=permissions.check_role,
    )
    trainings = Trainings(
        {prefix: Path(folder) for prefix, _, folder in (entry.partition("=") for entry in code)},
        workspace / "trainings",
        s3=s3,
        check=permissions.check,
        check_role=permissions.check_role,
    )
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, endpoints, hosting, trainings))
    server.daemon_threads = True
    print(f"SageMaker on 127.0.0.1:{port}: {', '.join(containers)}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    typer.run(main)
