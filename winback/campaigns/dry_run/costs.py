"""What the launch's messages would cost: each provider's list price, and the rest of AWS by the counted table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from winback.accounts.channels import ChannelName
from winback.costs import prices
from winback.costs.counted import counted

LISTED = {ChannelName.EMAIL: "ses_email", ChannelName.PUSH: "sns_push"}
"""Channels whose provider has one price for a message."""


@dataclass(frozen=True)
class TextPrices:
    """What a part of a text costs, in US dollars, by country; elsewhere at most `ceiling`: a dearer one is refused."""

    ceiling: Decimal
    by_country: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Texts:
    """Recipients by country ("" where it is not known) and the parts that the longest sample message has."""

    countries: Mapping[str, int]
    parts: int
    prices: TextPrices


def cost(channels: Mapping[str, int], texts: Texts | None, *, candidates: int, planned: int) -> dict[str, Any]:
    """`channels`: the most messages that each may carry; `planned`: rows planned, the dry run's and the live ones."""
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
        "prices_of": prices.read_on(),
        "counted_on": counted().counted_on,
        "region": prices.region(),
        "note": _note(rows),
    }


def _of_channel(channel: str, messages: int, texts: Texts | None) -> dict[str, Any]:
    if channel in LISTED:
        listed = prices.price(LISTED[ChannelName(channel)])
        return {
            "messages": messages,
            "provider_cost": _cents(listed.of(messages)),
            "basis": f"list price: {listed.amount} for {listed.per:,} of {listed.unit}",
        }
    if channel == ChannelName.SMS and texts is not None:
        return _of_texts(messages, texts)
    what = {
        ChannelName.CALL: "the time of those who call is not priced",
        ChannelName.WEBHOOK: "what the endpoint behind it costs is not known",
    }
    return {"messages": messages, "provider_cost": None, "basis": what.get(ChannelName(channel), "not known")}


def _of_texts(messages: int, texts: Texts) -> dict[str, Any]:
    """At most: a country without a stated price counts at the ceiling above which the account's texts are refused."""
    countries = dict(texts.countries) or {"": messages}
    dollars = sum(
        (texts.prices.by_country.get(country, texts.prices.ceiling) * number for country, number in countries.items()),
        Decimal(0),
    )
    unknown = sorted(country or "unknown" for country in countries if country not in texts.prices.by_country)
    return {
        "messages": messages,
        "parts_each": texts.parts,
        "parts": messages * texts.parts,
        "countries": dict(sorted(countries.items())),
        "provider_cost": _cents(dollars * texts.parts),
        "basis": "the account's prices by country"
        if not unknown
        else f"at most: {texts.prices.ceiling} a part, the account's limit, for {', '.join(unknown)}",
    }


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
