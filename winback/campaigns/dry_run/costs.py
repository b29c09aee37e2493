"""What the launch's messages would cost: each provider's list price, and the rest of AWS by the counted table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from winback.accounts.channels import ChannelName, SmsSettings
from winback.campaigns.policies import Budget
from winback.costs import prices
from winback.costs.counted import counted
from winback.delivery.message_cost import HUNDREDTHS, LISTED, listed_hundredths, part_price, text_hundredths


@dataclass(frozen=True)
class Texts:
    """How many texts there are of each (country, parts), by the plan: the country is "" where the number tells none,
    the parts are 0 of those that cannot be written. `settings`: the account's, with its prices."""

    counted: Mapping[tuple[str, int], int]
    settings: SmsSettings


def cost(
    channels: Mapping[str, int], texts: Texts, *, candidates: int, planned: int, budget: Budget | None = None
) -> dict[str, Any]:
    """`channels`: the most messages that each may carry; `planned`: rows planned, the dry run's and the live ones.

    `budget` is held against them as the sender takes of it: message by message, each rounded up.
    """
    rows = {channel: _of_channel(channel, messages, texts) for channel, messages in channels.items()}
    providers = sum((Decimal(row["provider_cost"] or 0) for row in rows.values()), Decimal(0))
    messages = sum(channels.values())
    causes = counted().launch_cost(candidates=candidates, planned=planned, messages=messages)
    others = sum(causes.values(), Decimal(0))
    return {
        "currency": prices.currency(),
        "messages": messages,
        "emails": channels.get(ChannelName.EMAIL, 0),
        "channels": rows,
        "providers": _cents(providers),
        "aws_estimate": _cents(others),
        "aws_causes": {name: _fine(dollars) for name, dollars in causes.items()},
        "total_estimate": _cents(providers + others),
        "budget": None if budget is None else _budget(budget, channels, texts),
        "prices_of": prices.read_on(),
        "counted_on": counted().counted_on,
        "region": prices.region(),
        "note": _note(rows),
    }


def _of_channel(channel: str, messages: int, texts: Texts) -> dict[str, Any]:
    if channel in LISTED:
        listed = prices.price(LISTED[ChannelName(channel)])
        return {
            "messages": messages,
            "provider_cost": _cents(listed.of(messages)),
            "basis": f"list price: {listed.amount} for {listed.per:,} of {listed.unit}",
        }
    if channel == ChannelName.SMS:
        return _of_texts(messages, texts)
    what = {
        ChannelName.CALL: "the time of those who call is not priced",
        ChannelName.WEBHOOK: "what the endpoint behind it costs is not known",
    }
    return {"messages": messages, "provider_cost": None, "basis": what.get(ChannelName(channel), "not known")}


def _of_texts(messages: int, texts: Texts) -> dict[str, Any]:
    """By country: a price that the account states is known, elsewhere its most for a part is assumed."""
    countries: dict[str, dict[str, Any]] = {}
    dollars = Decimal(0)
    for country in sorted({country for country, _ in texts.counted}):
        parts = Counter({parts: number for (of, parts), number in texts.counted.items() if of == country and parts})
        if not parts:
            continue
        whole = sum(each * number for each, number in parts.items())
        price = part_price(texts.settings, country)
        dollars += price * whole
        countries[country or "unknown"] = {
            "messages": parts.total(),
            "parts": whole,
            "messages_by_parts": {str(each): number for each, number in sorted(parts.items())},
            "part_price": str(price),
            "basis": "stated" if country in texts.settings.prices else "assumed",
            "provider_cost": _cents(price * whole),
        }
    return {
        "messages": messages,
        "parts": sum(row["parts"] for row in countries.values()),
        "unwritable": sum(number for (_, parts), number in texts.counted.items() if not parts),
        "countries": countries,
        "provider_cost": _cents(dollars),
        "basis": _basis(countries),
    }


def _basis(countries: Mapping[str, Mapping[str, Any]]) -> str:
    assumed = [country for country, row in countries.items() if row["basis"] == "assumed"]
    if not assumed:
        return "the account's prices by country, and the parts of each text"
    price = countries[assumed[0]]["part_price"]
    return f"the parts of each text; {price} a part, the account's limit, is assumed for {', '.join(assumed)}"


def _budget(budget: Budget, channels: Mapping[str, int], texts: Texts) -> dict[str, Any]:
    """What the launch takes of its budgets at most; each is `enough` when it reaches for everybody."""
    found: dict[str, Any] = {}
    if budget.sends is not None:
        messages = sum(channels.values())
        found["sends"] = {"limit": budget.sends, "at_most": messages, "enough": messages <= budget.sends}
    if budget.spend_minor is not None:
        hundredths = sum(listed_hundredths(ChannelName(channel)) * number for channel, number in channels.items())
        hundredths += sum(
            text_hundredths(texts.settings, country, parts) * number
            for (country, parts), number in texts.counted.items()
        )
        found["spend"] = {
            "limit": _cents(Decimal(budget.spend_minor) / 100),
            "at_most": _fine(Decimal(hundredths) / HUNDREDTHS),
            "enough": hundredths <= budget.spend_minor * 100,
        }
    return found


def _note(rows: Mapping[str, Mapping[str, Any]]) -> str:
    unpriced = [channel for channel, row in rows.items() if row["provider_cost"] is None]
    left_out = f" Not in it: {', '.join(unpriced)}." if unpriced else ""
    return (
        "At most: if everybody on every path gets every step. Providers at list price; the rest of AWS from counted "
        f"calls at list prices, one month's storage in.{left_out}"
    )


def _cents(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01")))


def _fine(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.0001")))
