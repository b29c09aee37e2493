"""The model card, written from the evaluation's figures: no number of a result in it is typed by hand."""

import textwrap
from typing import Any

_FORECASTS = {"model": "this model", "recency": "recency alone", "gradient_boosting": "gradient boosting"}
_METRICS = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier score"}
_WIDTH = 120

# Blocks are divided by empty lines; prose and points are wrapped once the figures are in.
_CARD = """\
# Model card: churn

<!-- Written by `python -m ml.churn.evaluate --write-card` from churn.json; do not edit. -->

**What it says.** The probability that a customer buys nothing in the {horizon} days after the moment its facts were
taken. Ranking customers and weighing values by it is what it is for.

**What it is.** Logistic regression (`{model_id}`) on counts of purchases and on silence measured by the customer's own
gap between purchases. Its inputs: {features}; counts and whole days, no money, because accounts differ in currency.
The model file is JSON: loading it runs no code.

**What it learned from.** {data}: {rows:,} rows of {cuts} cuts, {first_cut} to {last_cut}, four weeks apart; every label
window ended before the test began. It is the model that a new deployment starts with, until an account's own data
trains a better one.

## Is it better than recency alone?

{scores}

Recency alone ranks by days of silence; its probabilities are an isotonic fit on the latest training cut. Lower is
better for log loss and Brier score. Model minus recency alone, with the 95 % interval of a paired bootstrap over
customers ({draws:,} draws, seed {seed}):

{differences}

The kind of model and its terms were chosen by AUC on the splits before the test, against gradient boosting on the same
inputs ({choice}). The test figures were in sight while terms were tried, though they were not the criterion.

## Calibration on the test split ({customers:,} customers, {churned:.1%} churned)

{reliability}

## Limits

- Its level drifts as a store's customers age: {drift}.

- One store, one quarter's new customers, eighteen months, 1997-98: another business has another rhythm. The ranking
may carry over; the probabilities need an account's own training before money depends on them.

- The splits are the same customers growing older, so they are not independent evidence; nobody in the training rows is
a newcomer in an old store.

- A value beyond twice the largest seen in training counts as that.

- It does not know seasons: a Christmas-only buyer looks lost in June.

- It says who leaves, not who can be kept: whether a message changes anything is what a holdout measures.

- CDNOW has purchases by day and nothing else; consent, contacts and visits are not in it.

- The demo replays 1997, so its first model is another one: the same terms, trained with `--until 1997-10-01` on what
was known by then, so that no later purchase of the store scores its customers. The figures above are not that model's.
"""


def render(result: dict[str, Any]) -> str:
    """Markdown of `evaluate.evaluate`'s result."""
    splits = result["splits"]
    test = splits["test"]
    text = _CARD.format(
        horizon=result["horizon_days"],
        model_id=test["model_id"],
        features=", ".join(f"`{name}`" for name in result["features"]),
        data=result["data"],
        rows=test["training_rows"],
        cuts=len(test["training_cuts"]),
        first_cut=test["training_cuts"][-1],
        last_cut=test["training_cuts"][0],
        scores=_scores(splits),
        draws=result["draws"],
        seed=result["seed"],
        differences=_differences(splits),
        choice=_choice(splits),
        customers=test["customers"],
        churned=test["churned"],
        reliability=_reliability(test["reliability"]),
        drift=_drift(splits),
    )
    blocks = [_wrapped(block) for block in text.strip().split("\n\n")]
    return "\n\n".join(blocks).replace("\n\n- ", "\n- ").replace("## Limits\n", "## Limits\n\n") + "\n"


def _scores(splits: dict[str, Any]) -> str:
    lines = ["| split | forecast | AUC | log loss | Brier score |", "| --- | --- | --- | --- | --- |"]
    for name, split in splits.items():
        for forecast, scores in split["scores"].items():
            figures = " | ".join(f"{scores[metric]:.4f}" for metric in _METRICS)
            lines.append(f"| {name}, {split['cut']} | {_FORECASTS[forecast]} | {figures} |")
    return "\n".join(lines)


def _differences(splits: dict[str, Any]) -> str:
    lines = ["| split | metric | difference | 95 % interval | better |", "| --- | --- | --- | --- | --- |"]
    for name, split in splits.items():
        for metric, label in _METRICS.items():
            gain = split["model_minus_recency"][metric]
            interval = f"{gain['low']:+.4f} to {gain['high']:+.4f}"
            verdict = "yes" if gain["better"] else "not shown"
            lines.append(f"| {name}, {split['cut']} | {label} | {gain['difference']:+.4f} | {interval} | {verdict} |")
    return "\n".join(lines)


def _choice(splits: dict[str, Any]) -> str:
    return "; ".join(
        f"{name}: AUC {scores['model']['auc']:.4f} against {scores['gradient_boosting']['auc']:.4f}, log loss "
        f"{scores['model']['log_loss']:.4f} against {scores['gradient_boosting']['log_loss']:.4f}"
        for name, scores in ((name, split["scores"]) for name, split in splits.items() if name != "test")
    )


def _reliability(tenths: list[dict[str, float]]) -> str:
    head = ["| tenth by forecast | mean forecast | observed |", "| --- | --- | --- |"]
    rows = (f"| {n} | {tenth['forecast']:.1%} | {tenth['observed']:.1%} |" for n, tenth in enumerate(tenths, 1))
    return "\n".join([*head, *rows])


def _drift(splits: dict[str, Any]) -> str:
    return ", ".join(
        f"{split['mean_forecast']:.1%} forecast and {split['churned']:.1%} observed ({name})"
        for name, split in splits.items()
    )


def _wrapped(block: str) -> str:
    if block.startswith(("|", "#", "<!--")):
        return block
    indent = "  " if block.startswith("- ") else ""
    return textwrap.fill(block, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
