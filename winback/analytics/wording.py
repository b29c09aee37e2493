"""The sentences of a report. They state what was measured; none promises a rate."""

from winback.analytics.report import Attribution, Comparison, Revenue
from winback.experiments.samples import CAP_QUANTILE
from winback.experiments.statistics import EXACT_BELOW, EXACT_BELOW_EVENTS, Verdict
from winback.pages import figures

VERDICTS = {
    Verdict.MORE: "more came back than without it",
    Verdict.FEWER: "fewer came back than without it",
    Verdict.TOO_SMALL: "too small to tell",
    Verdict.NO_COMPARISON: "nothing to compare with",
}
REVENUE_VERDICTS = {
    **VERDICTS,
    Verdict.MORE: "more revenue than without it",
    Verdict.FEWER: "less revenue than without it",
}
VARIANT_VERDICTS = {
    Verdict.MORE: "more than the control",
    Verdict.FEWER: "less than the control",
}

# Of errors in the ledger that are ours; those of a provider stand as it told them.
ERRORS = {
    "RenderingFailed": "RenderingFailed: the template gave no message for the customer",
    "Abandoned": "Abandoned: the sender ended between the provider's call and the record",
}

# The rules that each launch is checked against, by the names of sql/checks.sql.
CHECKS = {
    "holdout": "No held-out customer was sent anything",
    "at_most_once": "At most one send for each customer and step",
    "verdict": "Nothing was sent against the gate's verdict: consent, suppression, caps",
    "plan_covers_audience": "Every assigned customer was planned in every step of its path, and nobody else",
    "ledger": "The ledger balances: each planned send has exactly one outcome",
    "caps": "Nobody got more of its messages on a channel than the account's frequency caps allow",
    "approved_offers": "No offer was given but those that were approved with the launch",
    "codes": "No code of an offer was given to two customers",
    "offer_budget": "The offers given cost no more than their budget, were all redeemed at their most",
}

METHOD = (
    "Eligible customers were divided by chance into treated and held out before anything was sent.",
    "Each counts in the group assigned, also when no message could be sent (intention to treat).",
    "A customer came back with a first purchase from assignment to the end of the window. Returns are no purchases.",
    "Intervals of differences of rates are Newcombe's (1998, method 10). Those of revenue are Welch's.",
    "The verdict is too small to tell when the interval includes zero, or the test's p is 5 % or more.",
    f"The test is Fisher's where a group has fewer than {EXACT_BELOW} customers, or where fewer than "  # noqa: ISC004
    f"{EXACT_BELOW_EVENTS} returns, or customers who did not return, are to be expected in the smaller one.",
    "Of several segments, p is corrected by Holm's method: one of many differs easily by chance.",
    f"Revenue is compared once more with each customer's capped at the {CAP_QUANTILE:.0%} quantile of those who spent.",
    "Customers of tiers that are never held out have nobody to be compared with: they are left out of the comparison.",
    "Last touch takes the first open or click by a person of each message, the latest such message before the order.",
    "The effect of this launch is on top of everything else that ran; effects of launches cannot be added up.",
)
LIMITS = (
    "An interval is no promise: another launch, season or audience may show another effect.",
    "Opens by machines and clicks by bots are told apart by what the provider reports, which misses some.",
)


def interval(low: float, high: float) -> str:
    return figures.span(figures.points(low), figures.points(high))


def headline(main: Comparison, attribution: Attribution, revenue: Revenue, rate: str, *, comparable: bool) -> str:
    """Two or three sentences: the verdict, whom it is about, its interval, and what last touch would have claimed."""
    credit = _credit(attribution, revenue.currency)
    whom = main.label[0].lower() + main.label[1:]
    if main.effect is None:
        return (
            f"Of the customers {whom}, nobody was held out, or nobody was treated, so what the campaign caused is not "
            f"known. {credit}"
        )
    change = figures.points(abs(main.effect.difference), sign=False)
    direction = "above" if main.effect.difference >= 0 else "below"
    measured = (
        f"the {rate} rate of treated customers {whom} was {change} {direction} that of the held out "
        f"(95 % interval {interval(main.effect.low, main.effect.high)})"
    )
    if not comparable:
        return f"The two groups are not comparable, or a rule was broken, so nothing is concluded here: {measured}."
    match main.verdict:
        case Verdict.MORE:
            return f"The campaign brought customers back: {measured}. {credit}"
        case Verdict.FEWER:
            return f"Fewer customers came back than without the campaign: {measured}. {credit}"
        case _:
            return f"What the campaign caused is too small to tell: {measured}. {credit}"


def _credit(attribution: Attribution, currency: str) -> str:
    return (
        f"Last-touch attribution would have credited it with {figures.count(attribution.orders)} orders worth "
        f"{figures.money(attribution.revenue_minor, currency)}, whatever caused them."
    )
