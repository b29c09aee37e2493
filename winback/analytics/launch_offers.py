"""The launch report's section on offers: what was given, what was redeemed, and what that cost."""

from collections.abc import Iterator

from winback.analytics.report import LaunchReport
from winback.analytics.report_parts import OfferGiven, OffersGiven, Redemptions
from winback.pages import Content, Html, bullets, figures, note, paragraph, section, table


def offers(report: LaunchReport) -> list[Html]:
    if report.offers is None:
        return []
    currency = report.revenue.currency
    given = report.offers
    rows: list[list[Content]] = [
        [each.name, each.customers, each.sends, figures.money(each.worst_minor, currency)] for each in given.offers
    ]
    return [
        section(
            "Offers given and redeemed",
            table(
                ["Offer", "Customers", "Messages", "Could cost at most"],
                rows,
                total=["All", "", "", figures.money(given.worst_minor, currency)],
            ),
            *_redeemed(given, currency),
            lead="A redemption is no effect: some who redeem would have bought anyway, at the full price. What the "
            "campaign caused, offers included, is the difference to the held out.",
        )
    ]


def _redeemed(given: OffersGiven, currency: str) -> Iterator[Html]:
    budget = figures.money(given.budget_minor, currency)
    if not given.orders_state_codes:
        yield paragraph(
            f"Of a budget of {budget}. How many were redeemed is not known: orders of this shop name no codes. None "
            "since the launch's start says which discount codes it was paid with, or that there were none."
        )
        return
    counted = [(each, each.redemptions) for each in given.offers if each.redemptions is not None]
    if counted:
        yield table(
            ["Offer", "Delivered to", "Redeemed", "Of the delivered", "95 % interval", "Orders", "Discount", "Cost"],
            [_row(each, found, currency) for each, found in counted],
            total=[
                "All",
                sum(found.delivered for _, found in counted),
                given.redeemed,
                "",
                "",
                sum(found.orders for _, found in counted),
                figures.money(sum(found.discount_minor for _, found in counted), currency),
                figures.money(given.cost_minor, currency),
            ],
            caption="Orders that name a code which the launch gave to the same customer, within the code's days",
        )
        yield paragraph(
            "Each code counts once, one for everybody once a customer. The discount is all that was taken off these "
            "orders, whatever for; the cost is that of discounts, and the fixed cost that the offer states."
        )
    yield bullets(_remarks(given, [found for _, found in counted], currency))
    held_out = sum(found.by_held_out for _, found in counted)
    if held_out:
        yield note(
            f"Codes used by customers who were held out, and should have none: {figures.count(held_out)}. So the two "
            "groups differ less than they should, and the campaign's effect is likely understated.",
            tone="caution",
        )


def _row(each: OfferGiven, found: Redemptions, currency: str) -> list[Content]:
    known = found.rate_low is not None and found.rate_high is not None
    return [
        each.name,
        found.delivered,
        found.redeemed,
        f"{figures.count(found.redeemed_of_delivered)}, {figures.percent(found.rate)}" if known else figures.MISSING,
        figures.span(figures.percent(found.rate_low), figures.percent(found.rate_high)) if known else figures.MISSING,
        found.orders,
        figures.money(found.discount_minor, currency),
        figures.money(found.cost_minor, currency),
    ]


def _remarks(given: OffersGiven, counted: list[Redemptions], currency: str) -> Iterator[str]:
    budget, worst = figures.money(given.budget_minor, currency), figures.money(given.worst_minor, currency)
    cost = figures.money(given.cost_minor, currency) if given.cost_minor is not None else "not known"
    yield f"Of a budget of {budget}, {worst} was reserved for those who got an offer. What it cost: {cost}."
    uncounted = [each.name for each in given.offers if not each.has_codes and each.customers]
    if uncounted:
        yield f"Not counted: {', '.join(uncounted)}. An offer without codes leaves no trace in an order."
    for text, number in (
        ("Orders that state no discount in the account's currency", sum(found.discount_unknown for found in counted)),
        ("Customers who have not redeemed their code, and still can", sum(found.still_valid for found in counted)),
        ("Codes used by their customers, but outside their days", sum(found.outside_days for found in counted)),
        ("Codes used by somebody else", sum(found.by_others for found in counted)),
    ):
        if number:
            yield f"{text}: {figures.count(number)}."
