"""`winback campaign`: check a definition before it is sent to the API, and see the sequence that it stands for."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.messages import message_problems
from winback.campaigns.reading import DefinitionRefused, Unreadable, read_definition
from winback.campaigns.schema import campaign_schema_text
from winback.campaigns.steps import Branch, BranchPoint, Location, Step, Touch
from winback.campaigns.timeline import Timeline, timeline
from winback.campaigns.wording import bounds_words, experiment_words, moment_words, question_words, touch_words
from winback.cli.orders_file import Refuse, refusal
from winback.delivery.messages import Template, resolve_template
from winback.fields import WHOLE, FieldProblem
from winback.instants import format_instant, parse_instant

app = typer.Typer(
    name="campaign",
    help="Check a campaign's definition, and see the sequence that it stands for.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
EXAMPLE = r"""[bold]Example[/bold] of a file, comeback.yaml:

  name: Come back
  audience: {families: \[Slipping]}
  steps:
  - {name: hello, template: we-miss-you, after_days: 0, send_at: 10:00}
  - branch: {on: engaged, step: hello}
    after_days: 5
    then:
    - {template: still-thinking, after_days: 7, on: \[tuesday, thursday]}
    otherwise:
    - {template: we-miss-you, subject: One more thing, after_days: 9}

Check it, and see the dates of a launch:

  winback campaign check comeback.yaml --starts-at 2026-12-01T09:00:00Z \
    --zone Europe/Berlin

docs/campaigns.md explains every field. POST /v1/campaigns takes the same file, as application/yaml or
application/json."""
BAD_DEFINITION = 1
SAVED = "tpl-"


@dataclass(frozen=True)
class _Advice(FieldProblem):
    """Of a part of a message: `expected` says what to do."""


@app.command(epilog=EXAMPLE)
def check(
    file: Annotated[Path, typer.Argument(help="The definition: JSON, or YAML.")],
    starts_at: Annotated[
        str | None, typer.Option(help="When a launch would start, such as 2026-12-01T09:00:00Z: shows dates.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The account's time zone.")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
) -> None:
    """List every problem of a definition with its path; without any, show its sequence in plain words."""
    refuse = refusal("winback campaign check")
    place = _zone(zone, refuse)
    start = _start(starts_at, refuse)
    try:
        definition = read_definition(file.read_text(encoding="utf-8"), as_json=file.suffix == ".json")
        problems = _of_messages(definition)
    except OSError as error:
        refuse(f"cannot read {file}: {error.strerror or error}")
    except (Unreadable, UnicodeDecodeError) as error:
        refuse(f"{file} cannot be read: {error}")
    except DefinitionRefused as error:
        problems = error.problems
    if problems:
        _show_problems(file, problems, as_json=as_json)
        raise typer.Exit(BAD_DEFINITION)
    if as_json:
        planned = timeline(definition, start, place) if start is not None else None
        typer.echo(json.dumps(_described(definition, planned), indent=1, ensure_ascii=False))
    else:
        _show(definition, start, place)


@app.command()
def schema() -> None:
    """Print the JSON Schema of definitions (docs/campaign.schema.json)."""
    typer.echo(campaign_schema_text(), nl=False)


def _of_messages(definition: CampaignDefinition) -> list[FieldProblem]:
    """What keeps messages from being sent. Those that the account saved were checked then, and are not here."""

    def find(name: str) -> Template:
        return resolve_template("we-miss-you" if name.startswith(SAVED) else name)

    return [
        (_Advice if found.part else FieldProblem)(
            f"{path}.{found.part}" if found.part else path,
            f"line {found.line}: {found.problem}" if found.line else found.problem,
            found.expected,
        )
        for path, found in message_problems(definition, find)
    ]


def _show_problems(file: Path, problems: list[FieldProblem], *, as_json: bool) -> None:
    if as_json:
        found = [{"field": one.field, "problem": one.problem, "expected": one.expected} for one in problems]
        typer.echo(json.dumps({"valid": False, "problems": found}, indent=1))
        return
    console = Console(stderr=True)
    number = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
    console.print(f"[bold]{escape(file.name)}[/bold] has {number} (steps\\[0] is the first step):", soft_wrap=True)
    for problem in problems:
        field = "the whole file" if problem.field == WHOLE else problem.field
        said = f"{problem.problem}; {'' if isinstance(problem, _Advice) else 'expected '}{problem.expected}"
        console.print(f"  [bold red]{escape(field)}[/bold red]: {escape(said)}", soft_wrap=True)


def _described(definition: CampaignDefinition, planned: Timeline | None) -> dict[str, Any]:
    steps = [
        {
            "step": touch.number,
            "name": touch.name,
            "says": touch_words(touch, definition),
            **({"planned_at": format_instant(planned.steps[touch.number - 1])} if planned else {}),
        }
        for touch in definition.touches
    ]
    branches = [
        {
            "branch": point.number,
            "asks": question_words(point, definition),
            **({"planned_at": format_instant(planned.branches[point.number - 1])} if planned else {}),
        }
        for point in definition.branches
    ]
    return {"valid": True, "name": definition.name, "steps": steps, "branches": branches}


def _show(definition: CampaignDefinition, start: datetime | None, zone: ZoneInfo) -> None:
    console = Console()
    planned = timeline(definition, start, zone) if start is not None else None
    when = f", if it starts {moment_words(start, zone)} ({zone.key})" if start is not None else ""
    tree = Tree(f"[bold]{escape(definition.name)}[/bold]{when}")
    places: dict[Location, Touch | BranchPoint] = {touch.location: touch for touch in definition.touches}
    places |= {point.location: point for point in definition.branches}

    def grow(tree: Tree, nodes: tuple[Step | Branch, ...], location: Location) -> None:
        for number, node in enumerate(nodes):
            here = (*location, number)
            place = places[here]
            if isinstance(place, Touch):
                date = _date(
                    planned.steps[place.number - 1] if planned else None, zone, _why_later(place, planned, start, zone)
                )
                tree.add(f"[bold]{place.name}[/bold]{date}: {escape(touch_words(place, definition))}")
            elif isinstance(node, Branch):
                date = _date(planned.branches[place.number - 1] if planned else None, zone)
                fork = tree.add(f"[bold cyan]?[/bold cyan]{date} {escape(question_words(place, definition))}")
                for label, way, inner in (("yes", "then", node.then), ("no", "otherwise", node.otherwise)):
                    grow(fork.add(label if inner else f"{label}: nothing"), inner, (*here, way))

    grow(tree, definition.steps, ("steps",))
    console.print(tree)
    for line in [*bounds_words(definition), *(f"Tests {experiment_words(e)}" for e in definition.experiments)]:
        console.print(line, markup=False, highlight=False)


def _date(moment: datetime | None, zone: ZoneInfo, why: str = "") -> str:
    return "" if moment is None else f" [green]({moment_words(moment, zone)}{why})[/green]"


def _why_later(touch: Touch, planned: Timeline | None, start: datetime | None, zone: ZoneInfo) -> str:
    """Of a step of the first day whose time of day has begun by the start, so that it leaves the day after."""
    if planned is None or start is None or touch.step.after_days or touch.step.on:
        return ""
    leaves = planned.steps[touch.number - 1].astimezone(zone).date()
    return ", since its time had already begun at the start" if leaves > start.astimezone(zone).date() else ""


def _zone(name: str, refuse: Refuse) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        refuse(f"--zone: {name} is no time zone; expected an IANA name such as Europe/Berlin")


def _start(text: str | None, refuse: Refuse) -> datetime | None:
    try:
        return parse_instant(text) if text is not None else None
    except ValueError as error:
        refuse(f"--starts-at: {error}")
