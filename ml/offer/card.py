"""The offer model's card, written from the figures of `trials`: no number of a result in it is typed by hand."""

import textwrap
from typing import Any

_WIDTH = 120

# Blocks are divided by empty lines; prose and points are wrapped once the figures are in.
_CARD = """\
# Model card: offer

<!-- Written by `python -m ml.offer.trials --write-card` from offer.json; do not edit. -->

**What it says.** For a customer and an arm (a message without an offer, or an offer) the expected change of margin
against sending nothing within {window} days, in purchase margins (the margin of one typical purchase of the
customer), before costs, with a standard error. Multiplying it by the margin and taking costs off is the policy's work
(docs/decisions/2026-11-22-offers.md).

**What it is.** A doubly robust learner per arm: outcome models of each arm (ridge or gradient boosting, by
cross-validation) and the recorded propensities make pseudo-effects, cross-fitted by customer; these are regressed on
the features by ridge or boosting on eight random halves of the customers. The average is shrunk to nothing and what
varies between customers is shrunk to the average, each by how far it stands out from its own error. Its inputs:
counts, whole days and shares of `ml/offer/inference.py`, no money, for accounts differ in currency. The model file is
JSON: loading it runs no code.

**What it learns from.** Decisions that were logged with the probability of what was drawn (docs/data-model.md,
`decisions/`), joined with the margin that followed. There is no model to start with: until an account has decisions,
the priors of `winback/predictions/offers/priors.toml` stand in, marked as priors.

**When it is served.** Choosing by customer only where the 95 % interval of its doubly robust gain over the best
single arm lies above zero on later decisions; else each arm's average effect, where the best arm beats sending
nothing; else no effect at all. The archive says which.

## Does it find a policy that is known to be best?

Simulated tests of three arms, one of which is nothing; a coupon and points each help one half of the customers and
harm the other. Gains over nothing, per customer; one run a size (seed {seed}).

{recovery}

"True" is worked out from the simulation's effects, "estimated" is what `winback offers evaluate` says of the same
rows.

## Does it see through targeting?

{confounding_rows:,} targeted rows with recorded propensities; a coupon that is worth {truth} to everybody went far
more often to those who buy much anyway.

{confounding}

## Do its intervals mean what they say?

Nominal 95 % intervals of the value of giving everybody the coupon held the true value in {dr:.1%} (doubly robust),
{ips:.1%} (IPS) and {sn:.1%} (self-normalised) of {runs} simulations of {rows} targeted rows. Those of what the
learned policy gains over nothing held the true gain in {learned:.1%}.

Where each arm does the same for everybody ({null_runs} simulations of {null_rows} rows, a coupon worth 0.8 and points
worth 0.2), a choice by customer was served in {personalised} of them ({served}), and a Qini interval lay above zero
for {qini:.1%} of the arms (2.5 % would by chance).

## Does it refuse what cannot be learned?

Complete Journey's campaign {campaign} reached {treated:,} of {households:,} households, which then spent {naive:,.0f}
more in {days} days than the others. They had spent more before: without propensities the command refuses, and
declared randomised it finds the difference ({unbalanced}) and serves {serves}.

## Limits

- No test of real offers was at hand: nothing here says how much an offer changes in a store. That is what the
account's own decisions, and campaign holdouts, measure.

- An uplift is learned for the features of a decision's moment; a store that changes its offers keeps their names only
where they mean the same.

- Rewards within the window of two decisions of one customer count for both. Standard errors are clustered by
customer, but effects of a sequence are not told apart.

- One model serves all accounts of a deployment. An arm is known by its name: the same name should mean the same kind
of offer.

- Margins have heavy tails. With few orders an interval rests on a few of them; below {fewest} effective rows an arm
is not served at all.

- The judged policy uses each arm's average cost and no budget; under a budget fewer customers get something.

- Standard errors come from halves of the customers and the average's own error; they are rough where decisions are
few.
"""


def render(found: dict[str, Any]) -> str:
    """Markdown of `trials.all_trials`."""
    confounding, covered, null, real = (
        found[name] for name in ("confounding", "coverage", "false_alarms", "complete_journey")
    )
    text = _CARD.format(
        window=30,
        seed=found["seed"],
        recovery=_recovery(found["recovery"]),
        confounding_rows=confounding["rows"],
        truth=confounding["truth"],
        confounding=_confounding(confounding),
        dr=covered["doubly_robust"],
        ips=covered["ips"],
        sn=covered["self_normalised"],
        learned=covered["learned"],
        runs=covered["runs"],
        rows=covered["rows"],
        null_runs=null["runs"],
        null_rows=null["rows"],
        personalised=null["served"].get("personalised", 0),
        served=", ".join(f"{name} {number}" for name, number in sorted(null["served"].items())),
        qini=null["qini_above_zero"],
        campaign=real["campaign"],
        treated=real["treated"],
        households=real["households"],
        naive=real["naive"],
        days=real["days"],
        unbalanced=", ".join(f"{name}, p = {p:.1g}" for name, p in real["unbalanced"].items()),
        serves=real["serves"],
        fewest=30,
    )
    blocks = [_wrapped(block) for block in text.strip().split("\n\n")]
    return "\n\n".join(blocks).replace("\n\n- ", "\n- ").replace("## Limits\n", "## Limits\n\n") + "\n"


def _recovery(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| rows | best possible | learned, true | learned, estimated | best single arm, true | served |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['rows']:,} | {row['oracle']:.2f} | {row['true_gain_of_learned']:.2f} "
        f"| {row['estimated_gain_of_learned']:.2f} | {row['best_single_arm']:.2f} | {row['serves']} |"
        for row in rows
    ]
    return "\n".join(lines)


def _confounding(row: dict[str, Any]) -> str:
    robust = row["doubly_robust"]
    return "\n".join(
        [
            "| way of looking | the coupon's effect |",
            "| --- | --- |",
            f"| difference of plain means | {row['naive']:.2f} |",
            f"| IPS | {row['ips']:.2f} |",
            f"| self-normalised IPS | {row['self_normalised']:.2f} |",
            f"| doubly robust | {robust['value']:.2f} ({robust['low']:.2f} to {robust['high']:.2f}) |",
        ]
    )


def _wrapped(block: str) -> str:
    if block.startswith(("|", "#", "<!--")):
        return block
    indent = "  " if block.startswith("- ") else ""
    return textwrap.fill(block, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
