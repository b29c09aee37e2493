"""The life of one local cloud: start and deploy, stop and remove. Used by commands, the demo and tests."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from local import cloud
from local.deployment import bootstrap, build_first_models, deploy
from local.emulator import (
    PROCESS,
    aws_environment,
    base_environment,
    is_healthy,
    start_emulator,
    wait_for_emulator,
)
from local.mail.client import MailClient
from local.place import KINDS, ROOT, STAGE, NotRunning, Place, RunningProcess, State, read_state, write_state
from local.processes import free_port, is_alive, start, stop, wait_until
from local.steps import StepFailed, Steps

SEND_RATE, SEND_DAILY = 500, 1_000_000  # what this machine can do is less
_SERVER_SECONDS = 60


@contextmanager
def running_cloud(place: Place, steps: Steps, *, keep: bool = False) -> Iterator[State]:
    """A fresh, deployed cloud without accounts for the length of the block; `keep` leaves it running, whatever happens.

    When something fails without `keep`, only its logs stay in the folder. Raises StepFailed.
    """
    stop_cloud(place)
    try:
        yield start_cloud(place, steps)
    except KeyboardInterrupt:
        stop_cloud(place)
        raise
    except BaseException:
        if not keep:
            stop_cloud(place, keep_logs=True)
        raise
    if not keep:
        stop_cloud(place)


def is_running(state: State) -> bool:
    """All processes are the ones that were started, the emulator answers, and the last `up` was not cut short."""
    return bool(state.processes) and all(map(is_alive, state.processes)) and is_healthy(state.endpoint_url)


def start_cloud(place: Place, steps: Steps) -> State:
    """Starts every process and deploys every stack. Raises StepFailed; the caller stops what was started."""
    place.make()
    ports = {name: free_port() for name in (PROCESS, "models", "mail")}
    state = State(
        endpoint_url=f"http://127.0.0.1:{ports[PROCESS]}",
        mail_url=f"http://127.0.0.1:{ports['mail']}",
        models_url=f"http://127.0.0.1:{ports['models']}",
        secret_key=cloud.new_secret(),
    )

    def remember(process: RunningProcess) -> RunningProcess:
        """Before anything can go wrong with it: what is written down is what `down` stops."""
        nonlocal state
        state = replace(state, processes=[*state.processes, process])
        write_state(place, state)
        return process

    with steps.step(f"Start the emulator on {state.endpoint_url}, IAM enforced"):
        emulator = remember(start_emulator(place, port=ports[PROCESS], secret_key=state.secret_key))
        wait_for_emulator(place, emulator, state.endpoint_url)
    with steps.step("Make the first models"):
        archives = build_first_models(place)
    with steps.step("Start the models' endpoints"):
        models = remember(_python(place, state, "models", _models_command(place, ports["models"], archives)))
        _wait_for(place, models, lambda: _answers(f"{state.models_url}/ping"))
    with steps.step("Start the mail recorder and its recipients"):
        mail = remember(_python(place, state, "mail", _mail_command(place, ports["mail"])))
        _wait_for(place, mail, MailClient(state.mail_url).healthy)
    with steps.step("Bootstrap the account (cdk bootstrap)"):
        bootstrap(place, state)
    with steps.step("Deploy every stack (cdk deploy)"):
        deploy(place, state)
        cloud.Cloud(state).seed_champions(archives)
    return state


def _python(place: Place, state: State, name: str, arguments: list[str | Path]) -> RunningProcess:
    env = {**base_environment(place), **aws_environment(state)}
    return start(name, [sys.executable, "-m", *arguments], log=place.logs / f"{name}.log", env=env, cwd=ROOT)


def _models_command(place: Place, port: int, archives: Mapping[str, Path]) -> list[str | Path]:
    command: list[str | Path] = ["local.sagemaker", "--port", str(port), "--workspace", place.make("models")]
    for kind, archive in archives.items():
        command += ["--model", f"{cloud.endpoint_name(kind)}={archive}"]
    jobs = {"archetypes": "archetypes", **{f"train-{kind}": kind for kind in KINDS}}
    for name, folder in jobs.items():
        command += ["--code", f"{cloud.name_of(name)}={ROOT / 'ml' / folder}"]
    return command


def _mail_command(place: Place, port: int) -> list[str | Path]:
    names = ["--topic", cloud.name_of("feedback"), "--configuration-set", f"winback-{STAGE}"]
    names += ["--text-topic", cloud.name_of("texts"), "--text-answer-topic", cloud.name_of("text-answers")]
    quota = ["--rate", str(SEND_RATE), "--daily", str(SEND_DAILY)]
    record = place.directory / "mail.jsonl"
    command: list[str | Path] = ["local.mail.server", "--port", str(port), "--record", record]
    return [*command, *names, "--identity", cloud.SENDER_DOMAIN, *quota]


def _wait_for(place: Place, process: RunningProcess, ready: Callable[[], bool]) -> None:
    if not wait_until(ready, seconds=_SERVER_SECONDS, process=process):
        raise StepFailed(f"{process.name} did not answer", place.logs / f"{process.name}.log")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def stop_cloud(place: Place, *, keep_logs: bool = False) -> list[int]:
    """Ends exactly what was started here and removes the folder; returns the pids that were still running."""
    try:
        stopped = stop(read_state(place).processes, grace_seconds=1)  # there is nothing to save
    except NotRunning:
        stopped = []
    _remove(place, keep_logs=keep_logs)
    return stopped


def _remove(place: Place, *, keep_logs: bool = False) -> None:
    if not place.directory.exists():
        return
    for entry in place.directory.iterdir():
        if keep_logs and entry == place.logs:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if not keep_logs:
        place.directory.rmdir()
