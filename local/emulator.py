"""The AWS emulator's process: MiniStack in an environment of its own, IAM enforced, on 127.0.0.1 alone.

How it treats credentials under `AUTH=true` (docs/decisions/2026-11-21-local-cloud.md): the access key it was started
with is the account's root and is what `up`, CDK and the driver use; a function's worker gets session keys of its own
role, and only that role's policies count; an unknown key is refused.
"""

import re
from pathlib import Path

import httpx

from local.place import ACCESS_KEY, REGION, ROOT, Place, RunningProcess, State
from local.processes import descendants, process_table, start, wait_until
from local.steps import StepFailed

PROCESS = "emulator"
_PYTHON = ROOT / "build" / "emulator" / "bin" / "python"
_START_SECONDS = 60


def base_environment(place: Place) -> dict[str, str]:
    """For every process that we start: nothing of the user's AWS configuration, home and temporary files inside."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "HOME": str(place.make("home")),
        "TMPDIR": str(place.make("tmp")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def aws_environment(state: State) -> dict[str, str]:
    """How AWS clients reach the emulator as root."""
    return {
        "AWS_ENDPOINT_URL": state.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": state.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def start_emulator(place: Place, *, port: int, secret_key: str) -> RunningProcess:
    """Starts it; `wait_for_emulator` says when it answers. Raises StepFailed when it is not installed."""
    if not _PYTHON.exists():
        raise StepFailed(f"{_PYTHON} is missing: run `make setup`")
    env = {
        **base_environment(place),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "false",
        "STATE_DIR": str(place.make("emulator")),
        "S3_DATA_DIR": str(place.make("s3")),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "LOG_LEVEL": "INFO",
    }
    return start(PROCESS, [_PYTHON, "-m", "ministack"], log=_log(place), env=env, cwd=place.directory)


def wait_for_emulator(place: Place, process: RunningProcess, endpoint_url: str) -> None:
    """Raises StepFailed when it ends or does not answer within a minute."""
    if not wait_until(lambda: is_healthy(endpoint_url), seconds=_START_SECONDS, process=process):
        raise StepFailed(f"the emulator did not answer on {endpoint_url}", _log(place))


def _log(place: Place) -> Path:
    return place.logs / "emulator.log"


def is_healthy(endpoint_url: str) -> bool:
    try:
        return httpx.get(f"{endpoint_url}/_ministack/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def workers(emulator: RunningProcess, function_name: str) -> list[RunningProcess]:
    """The warm worker processes of one function: the emulator's children in folders `ministack-lambda-{name}-…`."""
    table = process_table()
    # The emulator's random ending has no dash, so `winback-local-api` does not match `winback-local-api-intake`.
    folder = re.compile(rf"/ministack-lambda-{re.escape(function_name)}-[a-z0-9_]+/_worker")
    return [child for child in descendants(emulator) if child.pid in table and folder.search(table[child.pid].command)]
