"""`python -m local up | down | status | demo`."""

import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
import typer
from rich.table import Table

from local import cloud
from local.deployment import bootstrap, build_first_model, deploy
from local.emulator import (
    PROCESS,
    aws_environment,
    base_environment,
    is_healthy,
    start_emulator,
    wait_for_emulator,
)
from local.mail.client import MailClient
from local.place import (
    ACCESS_KEY,
    ROOT,
    STAGE,
    NotRunning,
    Place,
    RunningProcess,
    State,
    place_of,
    read_state,
    write_state,
)
from local.processes import free_port, is_alive, start, stop, wait_until
from local.steps import StepFailed, Steps

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The cloud on this machine.")

DEMO_ACCOUNT = "demo-shop"
SEND_RATE, SEND_DAILY = 500, 1_000_000  # what this machine can do is less
_SERVER_SECONDS = 60


@app.command()
def up() -> None:
    """Start the local cloud and deploy every stack to it; deploys again when it is running."""
    place, steps = place_of(), Steps()
    try:
        state = read_state(place)
    except NotRunning:
        state = State()
    running = [process for process in state.processes if is_alive(process)]
    if state.api_key and len(running) == len(state.processes) and is_healthy(state.endpoint_url):
        steps.console.print(f"The local cloud is running on {state.endpoint_url}; deploying what changed.")
        _run(lambda: _redeploy(place, steps, state))
    else:
        if state.processes:
            stop(state.processes)
        _remove(place)
        _run(lambda: _start(place, steps), cleanup=lambda keep_logs: _stop_all(place, keep_logs=keep_logs))
    _report(read_state(place), steps)


@app.command()
def down() -> None:
    """Stop exactly the processes that `up` started, and remove what they made."""
    place, steps = place_of(), Steps()
    if not place.directory.exists():
        steps.console.print("No local cloud is running.")
        return
    stopped = _stop_all(place, keep_logs=False)
    steps.console.print(f"Stopped {len(stopped)} processes; removed {place.directory.relative_to(ROOT)}.")


@app.command()
def status() -> None:
    """What runs, and where. Exit code 1 when it is not running or not healthy."""
    place, steps = place_of(), Steps()
    try:
        state = read_state(place)
    except NotRunning as absent:
        steps.console.print(str(absent))
        raise typer.Exit(1) from None
    table = Table("process", "pid", "state")
    living = {process.name: is_alive(process) for process in state.processes}
    for process in state.processes:
        table.add_row(process.name, str(process.pid), "running" if living[process.name] else "ended")
    steps.console.print(table)
    _report(state, steps)
    if not state.api_key or not all(living.values()) or not is_healthy(state.endpoint_url):
        raise typer.Exit(1)


@app.command()
def demo() -> None:
    """A whole win-back campaign on real purchases, in the local cloud."""
    import_module("local.demo").run()  # late: the other commands do not need it


def _start(place: Place, steps: Steps) -> None:
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
    with steps.step("Train the first churn model"):
        archive = build_first_model(place)
    with steps.step("Start the model endpoint"):
        models = remember(_python(place, state, "models", _models_command(place, ports["models"], archive)))
        _wait_for(place, models, lambda: _answers(f"{state.models_url}/ping"))
    with steps.step("Start the mail recorder and its recipients"):
        mail = remember(_python(place, state, "mail", _mail_command(place, ports["mail"])))
        _wait_for(place, mail, MailClient(state.mail_url).healthy)
    with steps.step("Bootstrap the account (cdk bootstrap)"):
        bootstrap(place, state)
    with steps.step("Deploy every stack (cdk deploy)"):
        deploy(place, state)
    with steps.step(f"Create the account {DEMO_ACCOUNT} and its key"):
        state = cloud.create_account(state, DEMO_ACCOUNT)
        write_state(place, state)


def _redeploy(place: Place, steps: Steps, state: State) -> None:
    with steps.step("Deploy every stack (cdk deploy)"):
        deploy(place, state)


def _python(place: Place, state: State, name: str, arguments: list[str | Path]) -> RunningProcess:
    env = {**base_environment(place), **aws_environment(state)}
    return start(name, [sys.executable, "-m", *arguments], log=place.logs / f"{name}.log", env=env, cwd=ROOT)


def _models_command(place: Place, port: int, archive: Path) -> list[str | Path]:
    model = f"{cloud.CHURN_ENDPOINT}={archive}"
    return ["local.endpoints", "--port", str(port), "--workspace", place.make("models"), "--model", model]


def _mail_command(place: Place, port: int) -> list[str | Path]:
    names = ["--queue", cloud.name_of("feedback"), "--configuration-set", f"winback-{STAGE}"]
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


def _run(work: Callable[[], None], cleanup: Callable[[bool], object] = lambda _: None) -> None:
    """Does the work; after a failure (logs stay) or an interrupt (nothing stays) cleans up and ends with a code."""

    def interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    try:
        work()
    except KeyboardInterrupt:
        cleanup(False)
        raise typer.Exit(130) from None
    except StepFailed:
        cleanup(True)
        raise typer.Exit(1) from None
    except BaseException:
        cleanup(True)
        raise


def _stop_all(place: Place, *, keep_logs: bool) -> list[int]:
    try:
        stopped = stop(read_state(place).processes)
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


def _report(state: State, steps: Steps) -> None:
    rows = [
        ("API", state.api_url),
        ("key (header x-api-key)", state.api_key),
        ("account", state.account_id),
        ("AWS endpoint", f"{state.endpoint_url}  (access key {ACCESS_KEY}, secret in state.json)"),
        ("sent mail", f"{state.mail_url}/_control/messages"),
    ]
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(name, value or "-")
    steps.console.print(table, soft_wrap=True)
