"""`winback experiment analyze`: a file of an experiment in, what it says and what speaks against it out."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from winback.cli.orders_file import Refuse, limits, refusal
from winback.experiments.analysis import UnusableShares, analyse
from winback.experiments.data_file import Columns, UnusableData, read_experiment
from winback.experiments.results import Analysis, Comparison, OutcomeResult
from winback.experiments.samples import CAP_QUANTILE, Kind
from winback.experiments.statistics import Difference, Verdict
from winback.imports.compression import plain_file
from winback.pages.figures import count

EXAMPLE = (
    "[bold]Example[/bold]: one row a customer: the arm that it was assigned to, bought or not, revenue:\n\n"
    "winback experiment analyze --data assigned.csv \\\n"
    "  --arm variant --control holdout --outcome bought,revenue \\\n"
    "  --expected-shares offer=0.8,holdout=0.2 --detect 0.02 --unit customer_id"
)
_SMALLEST_DETECT = 1e-12
_LARGE = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SAID = {
    Verdict.MORE: Text("more", style="bold green"),
    Verdict.FEWER: Text("less", style="bold red"),
    Verdict.TOO_SMALL: Text("too small to tell", style="yellow"),
    Verdict.NO_COMPARISON: Text("no comparison", style="dim"),
}

app = typer.Typer(help="Experiments: what an arm changed, and how sure that is.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Experiments: what an arm changed, and how sure that is."""


@app.command(epilog=EXAMPLE)
def analyze(
    *,
    data: Annotated[Path, typer.Option(help="CSV, JSON Lines or Parquet file; may be gzip or zstd. One row a unit.")],
    arm: Annotated[str, typer.Option(help="Column of the arm that the unit was assigned to.")],
    control: Annotated[str, typer.Option(help="Value of that column which the others are compared with.")],
    outcome: Annotated[
        list[str], typer.Option(help="Columns of what happened, 0/1 or amounts: COL,COL. May be repeated.")
    ],
    expected_shares: Annotated[
        str | None, typer.Option(help="How units should have been split: arm=0.8,arm=0.2. Default: equally.")
    ] = None,
    detect: Annotated[
        float | None, typer.Option(help="Say how many units show this difference, in the outcome's unit, such as 0.02.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Column of the randomised unit: rows of the same one are not independent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the analysis as JSON, and nothing else.")] = False,
) -> None:
    """Compare every arm with the control: difference, 95 % interval, p value, relative lift, and what to distrust."""
    refuse = refusal("winback experiment analyze")
    outcomes = tuple(name.strip() for option in outcome for name in option.split(",") if name.strip())
    if not outcomes:
        refuse("--outcome: name at least one column")
    if detect is not None and not _SMALLEST_DETECT <= detect <= 1 / _SMALLEST_DETECT:
        refuse(f"--detect: {detect:g} is no difference to size arms for: expected a number above 0, such as 0.02")
    shares = _shares(expected_shares, refuse) if expected_shares is not None else None
    if not data.is_file():
        refuse(f"--data: there is no file {data}")
    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(config=limits(scratch)) as connection,
        plain_file(data, Path(scratch)) as plain,
    ):
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        try:
            experiment = read_experiment(connection, plain, Columns(arm, outcomes, unit), control)
        except UnusableData as error:
            refuse(f"--data: {str(error).replace(str(plain), str(data))}")
    try:
        analysis = analyse(experiment, expected_shares=shares, detect=detect)
    except UnusableShares as error:
        refuse(f"--expected-shares: {error}")
    if as_json:
        typer.echo(json.dumps(document(analysis), indent=1, allow_nan=False))
    else:
        _show(analysis, Console())


def document(analysis: Analysis) -> dict[str, Any]:
    """The fields of docs/experiments.md."""
    return {"schema_version": 1, **asdict(analysis)}


def _shares(text: str, refuse: Refuse) -> dict[str, float]:
    shares: dict[str, float] = {}
    for pair in text.split(","):
        name, separator, share = pair.strip().rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            separator = ""
        if not separator or not name:
            refuse(f"--expected-shares: {pair.strip()!r} is not ARM=SHARE, such as offer=0.8")
    return shares


def _show(analysis: Analysis, console: Console) -> None:
    arms = Table(title="Who was assigned where")
    arms.add_column("Arm", overflow="fold")
    for heading in ("Units", "Share", "Expected"):
        arms.add_column(heading, justify="right")
    for arm in analysis.arms:
        name = f"{arm.arm} (control)" if arm.arm == analysis.control else arm.arm
        arms.add_row(Text(name), count(arm.units), f"{arm.observed_share:.1%}", f"{arm.expected_share:.1%}")
    console.print(arms)
    fits = "fits" if analysis.trustworthy else "does not fit"
    console.print(f"Sample ratio: {fits} the expected shares (p = {_p(analysis.sample_ratio_p_value)}).")
    for result in analysis.outcomes:
        console.print()
        console.print(_table(result, analysis))
        for found in result.comparisons:
            console.print(Text(_beside(found, result, analysis)), soft_wrap=True)
    console.print()
    for caution in analysis.warnings:
        console.print(Text(f"! {caution}", style="bold red" if not analysis.trustworthy else "yellow"), soft_wrap=True)
    if analysis.comparisons > 1:
        console.print(
            f"Adjusted p: Holm's, over {analysis.comparisons} comparisons; "
            "what is significant alone but not after it is too small to tell.",
            soft_wrap=True,
        )


def _table(result: OutcomeResult, analysis: Analysis) -> Table:
    control, *others = result.arms
    rate = result.kind is Kind.BINARY
    of = f"{_amount(control.mean, rate)}{' of' if rate else ', mean of'} {count(control.known)}"
    # No lines between columns: seven must fit into 80 characters.
    table = Table(
        title=f"{result.outcome}: {control.arm} {of}",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("Arm", overflow="fold", min_width=8)
    for heading in ("Rate" if rate else "Mean", "Points" if rate else "Change", "95 % interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    if analysis.comparisons > 1:
        table.add_column("adj. p", justify="right", no_wrap=True)
    table.add_column("Says", width=9 if analysis.comparisons > 1 else None)
    for arm, found in zip(others, result.comparisons, strict=True):
        adjusted = [_p(found.adjusted_p_value)] if analysis.comparisons > 1 else []
        said = _said(found.verdict, analysis)
        table.add_row(Text(arm.arm), _amount(arm.mean, rate), *_figures(found.difference, rate), *adjusted, said)
        if found.capped is not None:
            name, blank = Text("  capped", style="dim"), [""] * len(adjusted)
            said = _said(found.capped.verdict, analysis)
            table.add_row(name, "", *_figures(found.capped.difference, rate), *blank, said)
    return table


def _said(verdict: Verdict, analysis: Analysis) -> Text:
    return _SAID[verdict] if analysis.trustworthy else Text("distrust", style="bold red")


def _figures(found: Difference | None, rate: bool) -> list[str]:
    if found is None:
        return ["-", "-", "-"]
    low, high = (_amount(end, rate, difference=True) for end in (found.low, found.high))
    return [_amount(found.estimate, rate, difference=True), f"{low} to {high}", _p(found.p_value)]


def _beside(found: Comparison, result: OutcomeResult, analysis: Analysis) -> str:
    """What has no place in the table: lift, what the arms could show at all, the cap."""
    rate = result.kind is Kind.BINARY
    (known,) = [arm.known for arm in result.arms if arm.arm == found.arm]
    parts = [f"{count(known)} known"]
    if found.lift is not None:
        high = f"{found.lift.high:+.0%}" if found.lift.high is not None else "no upper bound"
        parts.append(f"lift {found.lift.estimate:+.0%} ({found.lift.low:+.0%} to {high})")
    if found.smallest_detectable is not None:
        parts.append(f"smallest detectable difference {_amount(found.smallest_detectable, rate, difference=True)}")
    if found.needed_units is not None and analysis.detect is not None:
        parts.append(f"{count(found.needed_units)} units in the two arms would show {analysis.detect:g}")
    if found.capped is not None:
        parts.append(f"capped at {found.capped.cap:g}, the {CAP_QUANTILE:.0%} quantile of amounts")
        shares = [
            f"{arm.arm} {arm.largest_share:.1%}"
            for arm in result.arms
            if arm.largest_share is not None and arm.arm in (found.arm, analysis.control)
        ]
        if shares:
            parts.append(f"largest unit's part of the total: {', '.join(shares)}")
    return f"  {found.arm}: {'; '.join(parts)}"


def _amount(value: float | None, rate: bool, *, difference: bool = False) -> str:
    if value is None:
        return "-"
    sign = "+" if difference else ""
    if rate:
        return f"{value * 100:{sign}.2f}" if difference else f"{value:.2%}"
    if abs(value) < 1000:
        return f"{value:{sign}.4g}"
    if abs(value) < 99_999.5:
        return f"{value:{sign},.0f}"
    for unit, size in _LARGE.items():
        if abs(value) < 999.95 * size:
            return f"{value / size:{sign}.4g}{unit}"
    return f"{value:{sign}.4g}"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
