"""`winback offers evaluate`: logged or randomised offers in, what each changes and which policy would be served out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from winback.cli.orders_file import Refuse, refusal

if TYPE_CHECKING:
    from ml.offer.evaluate import Evaluation
    from ml.offer.reading import LoggedFile

EXAMPLE = (
    "[bold]Example[/bold]: a test of three arms, where each coupon cost 2.00:\n\n"
    "winback offers evaluate --data test.csv --arm offer --control none \\\n"
    "  --reward margin --features purchases,silence_days,discount_share \\\n"
    "  --randomised --cost coupon=2.00 --out report"
)
_refuse: Refuse = refusal("winback offers evaluate")

app = typer.Typer(help="What offers change, and for whom.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """What offers change, and for whom."""


@app.command(epilog=EXAMPLE)
def evaluate(
    *,
    data: Annotated[Path, typer.Option(help="CSV or Parquet file: one row a decision, with what came of it.")],
    arm: Annotated[str, typer.Option(help="Column that says what was given.")],
    control: Annotated[str, typer.Option(help="Value of that column for those who got nothing.")],
    reward: Annotated[str, typer.Option(help="Column of what came of it, such as margin; 0 where nothing did.")],
    features: Annotated[str, typer.Option(help="Columns known before the decision, divided by commas.")],
    randomised: Annotated[
        bool, typer.Option("--randomised", help="The arms were given at random, to all customers alike.")
    ] = False,
    propensity: Annotated[
        str | None, typer.Option(help="Column of the probability with which the row's own arm was drawn.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(help="Column of the customer, where one may have several rows.")
    ] = None,
    cost: Annotated[
        list[str] | None, typer.Option(help="What giving an arm once costs: arm=amount,... May be repeated.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="What all rows together may cost; adds the policy within it.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for offers.html, a page with the Qini curves.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Judge offers by what they changed: the value of each policy with its interval, and which would be served.

    Rows without propensities tell nothing about an offer unless it was given at random: whoever got it was chosen.
    """
    names = _features(features, {"--arm": arm, "--reward": reward, "--propensity": propensity})
    if randomised == (propensity is not None):
        _refuse(
            "give either --propensity COL, the recorded probability of each row's arm, or --randomised, if the arms "
            "were given at random to all alike. Without either, those who got an offer differ from those who did not "
            "by whatever they were chosen for, and no method can tell that from what the offer did"
        )
    costs = _costs(cost or [])
    # Imported here: a second that the other commands need not wait.
    from ml.offer.evaluate import evaluate as judge  # noqa: PLC0415
    from ml.offer.logged import UnusableData  # noqa: PLC0415
    from ml.offer.reading import Columns, read_logged  # noqa: PLC0415
    from ml.offer.report import as_json as figures  # noqa: PLC0415
    from ml.offer.report import as_page  # noqa: PLC0415

    try:
        file = read_logged(data, Columns(arm, control, reward, names, propensity, customer), costs)
        if budget is not None and not file.data.cost.any():
            _refuse("--budget: no arm costs anything; give --cost arm=amount")
        if budget is not None and file.data.cost[0]:
            _refuse("--budget: the control costs something, so that no policy may fit; expected a control that is free")
        with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
            task = progress.add_task("Learning on other customers", total=1.0)
            result = judge(
                file.data,
                randomised=randomised,
                trusted=not file.unbalanced,
                budget=budget,
                progress=lambda share: progress.update(task, completed=share),
            )
    except UnusableData as error:
        _refuse(str(error))
    page = _written(out, as_page(result, file)) if out is not None else None
    if as_json:
        typer.echo(json.dumps(figures(result, file), indent=1))
        return
    _show(result, file)
    if page is not None:
        Console().print(f"Page: {page}", soft_wrap=True)


def _features(listed: str, taken: dict[str, str | None]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    if not names:
        _refuse("--features: names no column; expected some, divided by commas")
    for option, column in taken.items():
        if column in names:
            _refuse(f"--features: {column} is the column of {option} already: expected what was known before it")
    return names


def _costs(options: list[str]) -> dict[str, float]:
    costs: dict[str, float] = {}
    for pair in (pair for option in options for pair in option.split(",") if pair.strip()):
        name, separator, amount = pair.rpartition("=")
        try:
            value = float(amount)
        except ValueError:
            value = float("nan")
        if not separator or not name.strip() or not 0 <= value < float("inf"):
            _refuse(f"--cost: {pair!r} is not arm=amount, such as coupon=2.00, the amount 0 or more")
        if name.strip() in costs:
            _refuse(f"--cost: {name.strip()} is given twice")
        costs[name.strip()] = value
    return costs


def _written(folder: Path, text: str) -> Path:
    page = folder / "offers.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        _refuse(f"--out: cannot write to {folder}: {error.strerror or error}")
    return page


def _show(result: "Evaluation", file: "LoggedFile") -> None:
    from ml.offer.report import arm_words, policy_words, verdict_words, warnings  # noqa: PLC0415

    console = Console()
    console.print(
        _table(
            "Value of each policy: mean reward per row after costs, with its 95 % interval",
            ["Policy", "Doubly robust", "IPS", "Self-norm. IPS", "Effective rows", "Gives"],
            [policy_words(result, name) for name in result.policies],
        )
    )
    console.print(
        _table(
            "Arms: what their own rows brought, and what the arm changed against the control",
            ["Arm", "Rows", "Share", "Naive mean", "Effect", "Qini coefficient"],
            [arm_words(report) for report in result.arms],
        )
    )
    for said in warnings(result, file):
        console.print(f"Warning: {said}.", markup=False, highlight=False)
    if result.randomised:
        console.print(
            f"Equal shares would come out as unequal as these with p = {file.equal_shares_p_value:.3g}; compare the "
            "shares with those of your design."
        )
    console.print(f"Would be served: {verdict_words(result)}: {result.verdict.reason}.", markup=False, highlight=False)


def _table(title: str, names: list[str], rows: list[list[str]]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number == 0 or name == "Gives" else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    return table
