"""The console command `winback`: the library on a laptop, without any cloud."""

import typer

from winback.cli import (
    brief,
    campaign,
    churn,
    clv,
    cost,
    data_quality,
    experiment,
    offers,
    playbook,
    rates,
    recommendations,
    rubric,
    segment,
    send_time,
    slices,
)

app = typer.Typer(
    name="winback",
    help="Find the customers who have drifted away, and what each is worth.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command(epilog=segment.EXAMPLE)(segment.segment)
app.command(epilog=playbook.EXAMPLE)(playbook.playbook)
app.command("data-quality", epilog=data_quality.EXAMPLE)(data_quality.data_quality)
app.command("slice", epilog=slices.EXAMPLE)(slices.preview_slice)
app.command(epilog=clv.EXAMPLE)(clv.clv)
app.command(epilog=cost.EXAMPLE)(cost.cost)
app.add_typer(brief.app, name="brief")
app.add_typer(campaign.app, name="campaign")
app.add_typer(churn.app, name="churn")
app.add_typer(experiment.app, name="experiment")
app.add_typer(offers.app, name="offers")
app.add_typer(rates.app, name="rates")
app.add_typer(recommendations.app, name="recommendations")
app.add_typer(rubric.app, name="rubric")
app.add_typer(send_time.app, name="send-time")


@app.callback()
def _root() -> None:
    """Find the customers who have drifted away, and what each is worth."""
