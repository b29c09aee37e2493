"""`python -m local up | down | status | demo`."""

import signal
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from local.cloud import FunctionFailed, create_account
from local.deployment import deploy
from local.emulator import is_healthy
from local.lifecycle import is_running, start_cloud, stop_cloud
from local.place import ACCESS_KEY, ROOT, NotRunning, Place, State, place_of, read_state, write_state
from local.processes import is_alive
from local.steps import StepFailed, Steps

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The cloud on this machine."
)

FIRST_ACCOUNT = "demo-shop"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM.

    Not a bare KeyboardInterrupt: after one of those inside `exec`, where late imports make their data classes, CPython
    before 3.13 ends by SIGINT itself, although it was caught and an exit code was chosen.
    """


@app.command()
def up(
    keep: Annotated[
        bool, typer.Option(help="when a step fails, leave running what was started, to look at it")
    ] = False,
) -> None:
    """Start the local cloud and deploy every stack to it; deploys again when it is running."""
    place, steps = place_of(), Steps()
    try:
        state = read_state(place)
    except NotRunning:
        state = State()
    if state.api_key and is_running(state):
        steps.console.print(f"The local cloud is running on {state.endpoint_url}; deploying what changed.")
        _or_exit(lambda: _deploy(place, steps, state))
    else:
        stop_cloud(place)
        _or_exit(lambda: _start(place, steps), cleanup=lambda failed: _clean(place, failed=failed, keep=keep))
    _report(read_state(place), steps)


@app.command()
def down() -> None:
    """Stop exactly the processes that `up` started, and remove what they made."""
    place, steps = place_of(), Steps()
    if not place.directory.exists():
        steps.console.print("No local cloud is running.")
        return
    stopped = stop_cloud(place)
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
def demo(
    kill: Annotated[list[str] | None, typer.Option(help="a worker to kill once in the middle of its work")] = None,
    keep: Annotated[bool, typer.Option(help="leave the cloud running afterwards")] = False,
) -> None:
    """A whole win-back campaign on real purchases, in a local cloud of its own."""
    run = import_module("local.demo").run  # late: the other commands do not need it
    _or_exit(lambda: run(kill=kill or [], keep=keep))


def _start(place: Place, steps: Steps) -> None:
    state = start_cloud(place, steps)
    with steps.step(f"Create the account {FIRST_ACCOUNT} and its key"):
        try:
            write_state(place, create_account(state, FIRST_ACCOUNT))
        except FunctionFailed as failure:
            raise StepFailed(str(failure)) from failure


def _clean(place: Place, *, failed: bool, keep: bool) -> None:
    if not (failed and keep):
        stop_cloud(place, keep_logs=failed)


def _deploy(place: Place, steps: Steps, state: State) -> None:
    with steps.step("Deploy every stack (cdk deploy)"):
        deploy(place, state)


def _or_exit(work: Callable[[], None], cleanup: Callable[[bool], object] = lambda _: None) -> None:
    """Does the work; after a failure (logs stay) or an interrupt (nothing stays) cleans up and ends with a code."""

    def interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    try:
        work()
    except Interrupted:
        cleanup(False)
        raise typer.Exit(130) from None
    except StepFailed:
        cleanup(True)
        raise typer.Exit(1) from None
    except BaseException:
        cleanup(True)
        raise


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
