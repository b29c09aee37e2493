"""The model card, written from the evaluation's figures: no number of a result in it is typed by hand."""

import textwrap
from typing import Any

from ml.send_time.inference import COUNTED_WEIGHT
from ml.send_time.learning import DEFAULT, ENOUGH

_WIDTH = 120
_NAMES = {"model": "this model", "account_histogram": "the account's histogram", "uniform": "uniform hours"}

_CARD = """\
# Model card: send time

<!-- Written by `python -m ml.send_time.evaluate --write-card` from send_time.json; do not edit. -->

**What it says.** For each customer a distribution over the 168 hours of the local week: when it acts. From it come the
best hours, and how much of them is the customer's own rather than its segment's or account's. Choosing the hour of a
message within the campaign's window and outside quiet hours is what it is for.

**What it is.** A hierarchical Dirichlet-multinomial: the customer's own decayed events and `strength` pseudo-events of
its segment's distribution, which is shrunk to the account's, which is shrunk to a shipped prior. An own event is
smeared over neighbouring hours (a circular normal) and, in part, over the same hour of other days. Opens and clicks are
what is forecast; an account with fewer than 200 of them, and fewer
than orders, is judged by its orders. Events by machines are left out.
The model file is JSON: loading it runs no code.

**What is learned, and what is not.** Strength, half-life, smearing and what a click or an order tells beside an open
maximise the likelihood of events held out by time within the training rows; own hours at all, and each richer
smearing, must win by two standard errors.
Until {enough} held-out events exist the documented values hold: {defaults}. The shipped prior is an assumption,
learned from no account: people act while awake, by one curve through two published figures of the American Time Use
Survey (94 % sleep at 3 a.m.; 8.74 hours a day).

## Is it better than the account's histogram?

On the purchase times of {data} ({events:,} held-out events of {customers:,} households: {chosen} events, {share:.0%}),
its clock converted from UTC to {zone}. Purchases are not reads: this checks the plumbing, and says nothing of messages.

{scores}

Log loss per event in nats, lower is better; "best k": share of the held-out events within the k likeliest of the 168
hours. The histogram counts all households' known events, and is shrunk to the prior as
the model's own account distribution is. Model minus baseline, with the 95 %
interval of a bootstrap over households ({draws:,} draws, seed {seed}):

{differences}

Two baskets of one errand could be forecast from each other. Without the purchases that follow another of the household
within a day the difference from the histogram is {apart}, so that is not where the gain comes from.

## What was learned there

{learned}

Smearing was chosen on the last part of the known events, before the held-out ones were looked at:

{smoothings}

## Limits

- Opens follow sends. What another hour would have done is only learnable from hours drawn at random: a share of the
sends draws its hour uniformly and keeps its propensity (`winback/predictions/send_time/choice.py`), and training
weights answers to sends with a propensity by its inverse, at most {largest_weight:g}. Without such sends the model
repeats when messages were answered, not when they would have been.

- No real opens or clicks were at hand: the figures above are of purchases, and the rest rests on simulated readers
(`tests/unit/send_time`). The first evaluation on an account's own opens decides;
where its histogram wins, it is served.

- That the clock of {data} is UTC and its stores in one zone is an inference: its day shifts by one hour at the two
changes of US daylight saving time, and its year ends before midnight in that zone.

- The half-life holds for all customers alike, and a segment's distribution does not decay.

- A proxy that opens mail for a person looks like a person unless it is recognised; its hours
are then learned as theirs.

- Customers without a known zone are read on the account's clocks.
"""


def render(result: dict[str, Any]) -> str:
    """Markdown of the result of `evaluate.journey`."""
    held_out = result["held_out"]
    text = _CARD.format(
        enough=ENOUGH,
        defaults=(
            f"strength {DEFAULT.strength:g}, half-life {DEFAULT.half_life_weeks:g} weeks, a spread of "
            f"{DEFAULT.spread_hours:g} hour, {DEFAULT.any_day:.0%} for any day, a click as {DEFAULT.kind_weights[1]:g} "
            f"opens, an order as {DEFAULT.kind_weights[2]:g}"
        ),
        data=result["data"],
        zone=result["zone"],
        events=held_out["events"],
        customers=held_out["customers"],
        chosen=held_out["chosen"],
        share=held_out["share"],
        scores=_scores(result),
        draws=result["draws"],
        seed=result["seed"],
        differences=_differences(result),
        apart="{difference:+.4f} ({low:+.4f} to {high:+.4f})".format(**result["a_day_apart"]),
        learned=_learned(result["learned"]),
        smoothings=_smoothings(result),
        largest_weight=COUNTED_WEIGHT,
    )
    blocks = [_wrapped(block) for block in text.strip().split("\n\n")]
    return "\n\n".join(blocks).replace("\n\n- ", "\n- ").replace("## Limits\n", "## Limits\n\n") + "\n"


def _scores(result: dict[str, Any]) -> str:
    lines = ["| forecast | log loss | best 1 | best 3 | best 6 |", "| --- | --- | --- | --- | --- |"]
    for name, scores in result["scores"].items():
        within = " | ".join(f"{share:.1%}" for share in scores["within_best"].values())
        lines.append(f"| {_NAMES[name]} | {scores['log_loss']:.4f} | {within} |")
    return "\n".join(lines)


def _differences(result: dict[str, Any]) -> str:
    lines = ["| against | difference | 95 % interval | better |", "| --- | --- | --- | --- |"]
    for name, gain in result["model_minus"].items():
        verdict = "yes" if gain["better"] else "not shown"
        interval = f"{gain['low']:+.4f} to {gain['high']:+.4f}"
        lines.append(f"| {_NAMES[name]} | {gain['difference']:+.4f} | {interval} | {verdict} |")
    return "\n".join(lines)


def _learned(learned: dict[str, Any]) -> str:
    rows = {
        "strength: events that the base counts for": f"{learned['strength']:.1f}",
        "half-life of an event, weeks": f"{learned['half_life_weeks']:.1f}",
        "spread over neighbouring hours, hours": f"{learned['spread_hours']:.2f}",
        "share that counts for its hour of any day": f"{learned['any_day']:.0%}",
        "account's strength around the prior, events": f"{learned['account_strength']:.0f}",
        "held-out events it was learned from": f"{learned['from_held_out_events']:,}",
    }
    return "\n".join(["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _smoothings(result: dict[str, Any]) -> str:
    lines = ["| smearing | log loss | chosen |", "| --- | --- | --- |"]
    for name, loss in result["inner_log_loss"].items():
        lines.append(f"| {name} | {loss:.4f} | {'yes' if name == result['learned']['smoothing'] else ''} |")
    return "\n".join(lines)


def _wrapped(block: str) -> str:
    if block.startswith(("|", "#", "<!--")):
        return block
    indent = "  " if block.startswith("- ") else ""
    return textwrap.fill(block, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
