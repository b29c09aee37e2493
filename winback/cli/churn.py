"""`winback churn`: whether who will buy nothing can be told from a file of orders, and by what."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from winback.cli import churn_train
from winback.cli.churn_orders import HorizonOption, UntilOption, read_orders
from winback.cli.orders_file import CurrencyOption, MapOption, OrdersOption, Refuse, reasons_of, refusal
from winback.pages.figures import count

app = typer.Typer(help="Who will buy nothing: train on a file's orders, and judge by what happened.")
_refuse: Refuse = refusal("winback churn evaluate")
EXAMPLE = (
    "[bold]Example[/bold]: who bought nothing within 91 days, by the model and by each baseline:\n\n"
    "winback churn evaluate --orders export.csv --out churn "
    "\\\n  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"
)
app.command(epilog=churn_train.EXAMPLE)(churn_train.train)
_FIGURES, _PAGE = "churn.json", "churn.html"


@app.callback()
def _root() -> None:
    """Who will buy nothing: train on a file's orders, and judge by what happened."""


@app.command(epilog=EXAMPLE)
def evaluate(
    *,
    orders: OrdersOption,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    horizon: HorizonOption = 91,
    until: UntilOption = None,
    out: Annotated[Path | None, typer.Option(help=f"Folder for {_FIGURES} and {_PAGE}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=f"Print {_FIGURES}, and nothing else, to stdout.")] = False,
) -> None:
    """Train on earlier orders, forecast later ones, and compare with six baselines: for all, lapsed or not, new."""
    from ml.churn import evaluate as evaluation  # noqa: PLC0415 scikit-learn loads here alone
    from ml.churn.page import churn_page  # noqa: PLC0415
    from winback.features.examples import TooLittleHistory  # noqa: PLC0415

    if out is not None and out.exists() and not out.is_dir():
        _refuse(f"--out: {out} is a file; name a folder")
    console = Console(stderr=True)
    with (
        console.status("Reading the orders") as status,
        read_orders(orders, mapping=mapping, currency=currency, until=until, refuse=_refuse) as read,
    ):
        try:
            result = evaluation.evaluate(
                read.connection,
                name=orders.name,
                first=evaluation.first_purchase(read.connection),
                until=read.until,
                horizon_days=horizon,
                report=lambda doing: status.update(f"Forecasting as of {doing}"),
            )
        except (TooLittleHistory, ValueError) as problem:
            _refuse(f"--orders: {problem}")
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / _FIGURES).write_text(text)
        (out / _PAGE).write_text(churn_page(result))
    if as_json:
        typer.echo(text, nl=False)
        return
    typer.echo(evaluation.table(result))
    if read.rows.rejected:
        rejected = f"{count(read.rows.rejected)} of {count(read.rows.read)} rows were rejected"
        console.print(f"{rejected}: {reasons_of(read.rows)}")
    if out is not None:
        console.print(f"Written: {out / _FIGURES}, {out / _PAGE}")
