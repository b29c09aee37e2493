"""The model card, written from the evaluations' figures: no number of a result in it is typed by hand."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ml.churn.inputs import INPUTS, NAMES

NAMES_OF_FORECASTS = {
    "model": "boosted trees",
    "recency": "recency alone",
    "last_interval": "last interval",
    "p_alive": "P(alive), MBG/NBD",
    "expected_purchases": "expected purchases, BG/NBD",
    "logistic": "logistic regression",
}
NAMES_OF_GROUPS = {
    "everybody": "Everybody",
    "not_lapsed": "Not yet lapsed",
    "lapsed": "Lapsed",
    "one_order": "One order",
}
_METRICS = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score"}
_WIDTH = 120

# Blocks are divided by empty lines; prose and points are wrapped once the figures are in.
_CARD = """\
# Model card: churn

<!-- Written by `python -m ml.churn.evaluate --write-card` from churn.json; do not edit. -->

**What it says.** The probability that a customer buys nothing in the {horizon} days after the moment its facts were
taken. Ranking customers and weighing values by it is what it is for.

**What it is.** Gradient boosting (scikit-learn's HistGradientBoostingClassifier: 150 trees of depth 3) on {fields}
facts of the customer and what follows from them: {inputs}. Counts, days and shares, and no money: premium orders are
those of the account's own dearest fifth. More silence can only raise the probability, more recent purchases only
lower it. A calibration (none, a sigmoid or an isotonic fit) is chosen by log loss on the latest training cut, with
trees whose own cuts' windows had passed by then. The model file is JSON: loading it runs no code.

**What it learned from.** What a new deployment starts with: CDNOW, {rows:,} rows of {cuts} cuts, {first_cut} to
{last_cut}, four weeks apart (`{model_id}`). An account's own training replaces it, by the same script, once its orders
reach back 39 weeks.

## Is it better than the baselines?

Each split trains on cuts whose windows had passed before its own cut. The baselines: days of silence; silence in the
customer's own mean gaps; MBG/NBD's P(alive) and BG/NBD's expected purchases, fitted at the latest training cut; and a
logistic regression on eight terms, which was the model before this one. Those that only rank have their probabilities
from an isotonic fit on the latest training cut. A baseline that is better than the trees beyond chance is served in
their place: {served}.

The trees' form, and calibrating by trees as far behind as a served model is, were chosen by log loss on the splits
before the tests; the tests' figures were in sight then, though they were not the criterion.

{tables}

## Calibration on the tests

{reliability}

## Limits

- Its level drifts as a store's customers age: {drift}.

- CDNOW is one quarter's new customers of one store, 1997-98; Complete Journey is one year of a grocer's loyal
households, of whom few stop. Another business has another rhythm: the ranking may carry over, the probabilities need an
account's own training before money depends on them.

- The splits are the same customers growing older, so they are no independent evidence; intervals are over customers,
not over stores or seasons.

- Where a group is small the differences are mostly not shown; that is no proof that there are none.

- It does not know seasons beyond the share of purchases in the customer's own: a Christmas-only buyer of one year looks
lost in June.

- It says who leaves, not who can be kept: whether a message changes anything is what a holdout measures.

- Reasons add up what each fact moved along the trees' paths; they say what the model looked at, not what caused
anything.

- Discounts and categories are known of Complete Journey alone, engagement of neither: what the model makes of those
facts elsewhere only an account's own training shows.

- The demo replays 1997, so its first model is another one: trained with `--until 1997-10-01` on what was known by then,
and not judged. The figures above are not that model's.
"""


def render(results: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of what `evaluate.public` returns."""
    tests = {result["data"]: result["splits"][-1] for result in results}
    first = results[0]["splits"][-1]
    text = _CARD.format(
        horizon=results[0]["horizon_days"],
        fields=len(NAMES),
        inputs=", ".join(f"`{name}`" for name in INPUTS),
        rows=first["training_rows"],
        cuts=len(first["training_cuts"]),
        first_cut=first["training_cuts"][-1],
        last_cut=first["training_cuts"][0],
        model_id=first["model_id"],
        served="; ".join(
            f"on {data}'s test {NAMES_OF_FORECASTS[split['serves']]} serve" for data, split in tests.items()
        ),
        tables="\n\n".join(_split_tables(result) for result in results),
        reliability="\n\n".join(_reliability(data, split) for data, split in tests.items()),
        drift="; ".join(
            f"{split['checks']['mean_forecast']:.1%} forecast and {split['checks']['observed']:.1%} observed "
            f"({result['data']}, {split['cut']})"
            for result in results
            for split in result["splits"]
        ),
    )
    blocks = [_wrapped(block) for block in text.strip().split("\n\n")]
    return "\n\n".join(blocks).replace("\n\n- ", "\n- ").replace("## Limits\n", "## Limits\n\n") + "\n"


def _split_tables(result: Mapping[str, Any]) -> str:
    parts = []
    for number, split in enumerate(result["splits"], 1):
        kind = "test" if number == len(result["splits"]) else "before the test"
        parts.append(f"### {result['data']}, {split['cut']} ({kind})")
        parts += [_group_table(name, group) for name, group in split["groups"].items()]
    return "\n\n".join(parts)


def _group_table(name: str, group: Mapping[str, Any]) -> str:
    share = f", {group['churned'] / group['customers']:.1%} churned" if group["customers"] else ""
    lead = f"{NAMES_OF_GROUPS[name]}: {group['customers']:,} customers{share}."
    if "scores" not in group:
        return f"{lead} Too small to tell."
    lines = [
        "| forecast | AUC | log loss | Brier score | slope | intercept | trees minus this, log loss | better |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for forecast, scores in group["scores"].items():
        figures = " | ".join(f"{scores[metric]:.4f}" for metric in _METRICS)
        line = f"| {NAMES_OF_FORECASTS[forecast]} | {figures} | {hundredths(scores['calibration_slope'])} "
        line += f"| {hundredths(scores['calibration_intercept'])} "
        if forecast == "model":
            lines.append(line + "| | |")
        else:
            gap = group["model_minus"][forecast]["log_loss"]
            better = "trees" if gap["better"] else "this" if gap["low"] > 0 else "not shown"
            interval = f"{gap['difference']:+.4f} ({gap['low']:+.4f} to {gap['high']:+.4f})"
            lines.append(line + f"| {interval} | {better} |")
    return "\n".join([lead, "", *lines])


def hundredths(value: float | None) -> str:
    """Of a calibration line, which there is none of where all forecasts of a group are alike."""
    return "none" if value is None else f"{value:.2f}"


def _reliability(data: str, split: Mapping[str, Any]) -> str:
    head = [f"| {data}: tenth by forecast | mean forecast | observed |", "| --- | --- | --- |"]
    rows = (
        f"| {number} | {tenth['forecast']:.1%} | {tenth['observed']:.1%} |"
        for number, tenth in enumerate(split["reliability"], 1)
    )
    return "\n".join([*head, *rows])


def _wrapped(block: str) -> str:
    if block.startswith(("|", "#", "<!--")):
        return block
    indent = "  " if block.startswith("- ") else ""
    return textwrap.fill(block, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
