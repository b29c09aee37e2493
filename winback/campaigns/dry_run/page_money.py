"""The dry run page's sections on money: what the launch may bring, what it may give away, what it costs."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from winback.campaigns.dry_run.page_plan import CHANNELS
from winback.pages import (
    Content,
    Html,
    Interval,
    Tile,
    bullets,
    details,
    figures,
    interval_chart,
    paragraph,
    section,
    subheading,
    table,
)

Run = Mapping[str, Any]
_PART_PRICES = {"stated": "as the account states it", "assumed": "assumed: the account's limit"}
_BASES = {
    "measured": "measured by this account's finished launches",
    "assumed": "assumed, not measured",
    "measured in part": "measured for some segments, assumed for the others",
}


def outlook_tile(run: Run) -> Tile:
    found = run["outlook"]
    if not _worth_known(found):
        return Tile("Extra revenue it may bring", "not known", "what a purchase is worth is not known", "caution")
    return Tile(
        "Extra revenue it may bring",
        figures.whole_money(found["revenue_minor"]["estimate"], found["currency"]),
        f"{_range(found['revenue_minor'], found['currency'])}; {_BASES[found['basis']]}",
        "plain" if found["basis"] == "measured" else "caution",
    )


def cost_tile(run: Run) -> Tile:
    cost = run["cost"]
    return Tile(
        "Cost of sending at most",
        _dollars(cost["total_estimate"], cost["currency"]),
        f"list prices of {cost['prices_of']}",
    )


def offer_tiles(run: Run) -> list[Tile]:
    exposure = run["offers"]
    if exposure is None:
        return []
    currency = exposure["currency"]
    return [
        Tile(
            "Offers may cost at most",
            figures.whole_money(exposure["worst_minor"], currency),
            f"expected {figures.whole_money(exposure['expected_minor']['value'], currency)}; "
            f"budget {figures.whole_money(exposure['budget_minor'], currency)}",
            "plain" if exposure["within_budget"] else "caution",
        )
    ]


def outlook(run: Run) -> Html:
    found = run["outlook"]
    currency = found["currency"]
    rows: list[list[Content]] = [
        [
            "Extra purchasers",
            figures.count(round(found["extra_purchasers"]["estimate"])),
            _counts(found["extra_purchasers"]),
        ],
        [
            "Their revenue",
            figures.whole_money(found["revenue_minor"]["estimate"], currency),
            _range(found["revenue_minor"], currency),
        ]
        if _worth_known(found)
        else ["Their revenue", "not known", "what a purchase is worth is not known"],
    ]
    margin = found["margin_minor"]
    rows.append(
        ["Its margin", figures.whole_money(margin["estimate"], currency), _range(margin, currency)]
        if margin
        else ["Its margin", "not known", "no cost of goods was imported for every segment"]
    )
    return section(
        "What it may bring",
        interval_chart(
            [
                Interval(row["segment"], row["lift"]["estimate"], row["lift"]["low"], row["lift"]["high"], row["told"])
                for row in found["segments"]
            ],
            show=figures.points,
            unit="Extra purchasers, of those treated",
            label="Expected lift of each segment with its range",
        ),
        table(["Beyond what would happen anyway", "Estimate", "Range"], rows, align="lrr"),
        bullets(found["notes"]),
        lead=f"An estimate, {_BASES[found['basis']]}; revenue and margin apart.",
    )


def offers(run: Run) -> list[Html]:
    exposure = run["offers"]
    if exposure is None:
        return []
    currency = exposure["currency"]
    rows: list[list[Content]] = [
        [
            row["name"],
            row["value"],
            row["customers"],
            figures.money(row["worst_minor"], currency),
            figures.money(row["expected_minor"]["value"], currency),
            _amounts(row["expected_minor"], currency),
            f"{figures.percent(row['redemption']['value'])} {row['redemption']['source']}",
            _codes(row.get("codes")),
        ]
        for row in exposure["offers"]
    ]
    return [
        section(
            "What it may give away",
            table(
                ["Offer", "Worth", "Customers", "At worst", "Expected", "Range", "Redeemed", "Codes"],
                rows,
                align="llrrrrll",
                total=[
                    "All",
                    "",
                    exposure["customers"],
                    figures.money(exposure["worst_minor"], currency),
                    figures.money(exposure["expected_minor"]["value"], currency),
                    _amounts(exposure["expected_minor"], currency),
                    "",
                    "",
                ],
            ),
            paragraph(
                f"At worst {exposure['worst_means']}. {figures.count(exposure['without_offer'])} more customers get "
                f"such a message without an offer. The budget of {figures.money(exposure['budget_minor'], currency)} "
                "is a limit that sending "
                + ("keeps." if exposure["within_budget"] else "keeps: it will end before everybody has one.")
            ),
            lead="Nothing of it leaves without an approval of this launch.",
        )
    ]


def cost(run: Run) -> Html:
    found = run["cost"]
    currency = found["currency"]
    rows: list[list[Content]] = [
        [
            CHANNELS[name],
            row["messages"],
            "not known" if row["provider_cost"] is None else _dollars(row["provider_cost"], currency),
            row["basis"],
        ]
        for name, row in found["channels"].items()
    ]
    causes: list[list[Content]] = [
        [name, f"{Decimal(amount):.4f}\u202f{currency}"] for name, amount in found["aws_causes"].items()
    ]
    return section(
        "What sending costs",
        table(
            ["By", "Messages at most", "Provider", "How it is priced"],
            [
                *rows,
                [
                    "Everything else of AWS",
                    None,
                    _dollars(found["aws_estimate"], currency),
                    "counted calls, list prices",
                ],
            ],
            align="lrrl",
            total=["All", found["messages"], _dollars(found["total_estimate"], currency), ""],
        ),
        paragraph(found["note"]),
        *_texts(found),
        *_budget(found["budget"], currency),
        details("Everything else of AWS by cause", table(["Cause", "At most"], causes)),
        lead=f"List prices of {found['prices_of']}, {found['region']}; calls counted on {found['counted_on']}.",
    )


def _texts(found: Mapping[str, Any]) -> list[Html]:
    """Where they go, in how many parts, and which of their prices are known."""
    texts = found["channels"].get("sms")
    if texts is None:
        return []
    rows: list[list[Content]] = [
        [
            country,
            row["messages"],
            row["parts"],
            f"{row['part_price']}\u202f{found['currency']}, {_PART_PRICES[row['basis']]}",
            _dollars(row["provider_cost"], found["currency"]),
        ]
        for country, row in texts["countries"].items()
    ]
    shown = [subheading("Texts by country"), table(["To", "Texts", "Parts", "A part", "Cost"], rows, align="lrrlr")]
    if texts["unwritable"]:
        shown.append(paragraph(f"{figures.count(texts['unwritable'])} texts cannot be written for their recipients."))
    return shown


def _budget(budget: Mapping[str, Any] | None, currency: str) -> list[Html]:
    shown = []
    for name, what in (("sends", "messages"), ("spend", currency)):
        if budget is not None and (row := budget.get(name)) is not None:
            most, limit = (
                f"{figures.count(row[each])} {what}" if name == "sends" else _dollars(row[each], currency)
                for each in ("at_most", "limit")
            )
            end = "it suffices." if row["enough"] else "it will end before everybody has been written to."
            shown.append(paragraph(f"Of the budget of {limit} the launch takes {most} at most: {end}"))
    return shown


def _worth_known(found: Mapping[str, Any]) -> bool:
    """Whether any segment's purchases were counted: without their worth they add up to nothing."""
    return bool(found["revenue_minor"]["high"] or not found["extra_purchasers"]["high"])


def _range(found: Mapping[str, int], currency: str) -> str:
    return figures.span(figures.whole_money(found["low"], currency), figures.whole_money(found["high"], currency))


def _amounts(found: Mapping[str, int], currency: str) -> str:
    return figures.span(figures.money(found["low"], currency), figures.money(found["high"], currency))


def _codes(codes: Mapping[str, Any] | None) -> str:
    if codes is None:
        return "no unique codes"
    return f"{figures.count(codes['left'])} left" + ("" if codes["enough"] else ": too few")


def _counts(found: Mapping[str, float]) -> str:
    return figures.span(figures.count(round(found["low"])), figures.count(round(found["high"])))


def _dollars(amount: str, currency: str) -> str:
    return f"{Decimal(amount):,.2f}\u202f{currency}"
