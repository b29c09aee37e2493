"""What a launch spent on its messages, at list prices, and which ways its customers went."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from winback.analytics.report import Cost, Ledger
from winback.analytics.report_parts import BranchTaken, ChannelCost
from winback.campaigns.launch import Launch
from winback.costs import prices
from winback.costs.counted import counted

_LISTED = {"email": "ses_email", "push": "sns_push"}
_CENT = Decimal("0.01")
_SMALL = Decimal("0.0001")  # of so few messages that cents say nothing


def cost_of(ledger: Ledger, candidates: int, dry_run: Mapping[str, Any] | None) -> Cost:
    """Providers' charges for what they took; texts at the dry run's price for a message of the same launch."""
    listed = prices.price("ses_email")
    channels = {
        name: _of_channel(name, row.handed_over, dry_run) for name, row in ledger.channels.items() if name != "none"
    }
    emails = channels["email"].messages if "email" in channels else 0
    known = [Decimal(channel.total) for channel in channels.values() if channel.total is not None]
    others = counted().launch_cost(candidates=candidates, planned=2 * ledger.planned, messages=ledger.handed_over)
    return Cost(
        emails=emails,
        price_per_thousand=str(listed.of(1000).quantize(listed.amount)),
        total=str(sum(known, Decimal(0))),
        currency=prices.currency(),
        prices_of=prices.read_on(),
        channels=channels,
        aws_estimate=str(sum(others.values(), Decimal(0)).quantize(_CENT)),
    )


def _of_channel(name: str, messages: int, dry_run: Mapping[str, Any] | None) -> ChannelCost:
    if name in _LISTED:
        listed = prices.price(_LISTED[name])
        total = listed.of(messages)
        return ChannelCost(
            messages=messages,
            total=str(total),
            basis=f"list price: {listed.amount} for {listed.per:,} of {listed.unit}",
        )
    planned = ((dry_run or {}).get("cost") or {}).get("channels", {}).get(name)
    if planned is None or planned["provider_cost"] is None or not planned["messages"]:
        return ChannelCost(messages=messages, total=None, basis="not known")
    each = Decimal(planned["provider_cost"]) / planned["messages"]
    return ChannelCost(
        messages=messages, total=str((each * messages).quantize(_SMALL)), basis=f"as forecast: {planned['basis']}"
    )


def branches_taken(
    db: duckdb.DuckDBPyConnection, launch: Launch, dry_run: Mapping[str, Any] | None
) -> tuple[BranchTaken, ...]:
    """Treated customers by the way that they went, beside the share that the dry run expected."""
    counts = {
        (branch, way): customers
        for branch, way, customers in db.execute(
            "SELECT branch, way, count(*) FROM paths "
            "SEMI JOIN (SELECT customer_key FROM audience WHERE arm = 'treatment') AS treated USING (customer_key) "
            "GROUP BY ALL"
        ).fetchall()
    }
    expected = {row["branch"]: row["then"] for row in (dry_run or {}).get("branches", ())}
    return tuple(
        BranchTaken(
            branch=point.number,
            on=point.branch.branch.on.value,
            then=counts.get((point.number, "then"), 0),
            otherwise=counts.get((point.number, "otherwise"), 0),
            forecast=(share := expected.get(point.number, {})).get("estimate"),
            forecast_low=share.get("low"),
            forecast_high=share.get("high"),
        )
        for point in launch.definition.branches
    )
