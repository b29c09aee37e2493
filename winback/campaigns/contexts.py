"""What a launch and its account say of one send: the gate's context, the same for planning and for sending."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from winback.accounts import Account
from winback.campaigns.launch import Launch
from winback.campaigns.policies import StopOn
from winback.delivery.contacts import Contact, ContactPolicy
from winback.delivery.gate import SendContext
from winback.experiments.assignment import Arm
from winback.identifiers import LaunchId
from winback.instants import parse_instant


def send_context(
    launch: Launch,
    account: Account,
    row: Mapping[str, Any],
    *,
    latest_at: datetime | None = None,
    offered_at: datetime | None = None,
    reserved: tuple[Contact, ...] = (),
    budget_left: bool = True,
    switched_off: bool = False,
    cancelled: bool = False,
) -> SendContext:
    """Of a plan row (docs/data-model.md): its `arm`, `channel`, `send_at`, `offer_id` and `contact_policy` are read.

    Planning passes a row of what it knows so far. A row without a contact policy is of a segment that has none.
    `latest_at`: of the step; an offer's last day, in the account's zone, may end before it, also the customer's own one
    when an earlier message brought the offer (`offered_at`). Raises ValueError for an offer in a launch whose
    definition has no offer policy.

    Who buys once the audience is chosen is no longer to be won back, also before the launch starts, which may be weeks
    later. Outcomes count from the start on in both arms alike, so whom that stops changes no comparison.
    """
    policy = row.get("contact_policy")
    return SendContext(
        channel=row["channel"],
        chosen_at=launch.chosen_at,
        held_out=row["arm"] == Arm.HOLDOUT,
        stop_on_purchase=launch.definition.stops_on_purchase,
        stop_on_engaged=StopOn.ENGAGED in launch.definition.stop_on,
        planned_at=parse_instant(row["send_at"]),
        caps=account.frequency_caps,
        quiet_hours=account.quiet_hours,
        account_zone=account.zone,
        unknown_zone=account.unknown_zone,
        contact_policy=ContactPolicy.from_row(policy) if policy else None,
        cooldown_days=_cooldown_days(launch) if row.get("offer_id") else None,
        offered_by=launch.launch_id,
        reserved=reserved,
        budget_left=budget_left,
        latest_at=_latest(launch, account, row.get("offer_id"), latest_at, offered_at),
        switched_off=switched_off,
        cancelled=cancelled,
    )


def reactions_of(launch: Launch, step: int) -> tuple[LaunchId, list[int]] | None:
    """The launch's steps before `step`, reactions to which stop the sequence; None when there is no need to ask.

    Who unsubscribes or complains is suppressed on that channel; in a launch of several they are asked about, because
    that ends the whole sequence.
    """
    earlier = [touch.number for touch in launch.definition.touches if touch.number < step]
    asked = StopOn.ENGAGED in launch.definition.stop_on or len(launch.definition.used_channels) > 1
    return (launch.launch_id, earlier) if earlier and asked else None


def _latest(
    launch: Launch, account: Account, offer_id: str | None, latest_at: datetime | None, offered_at: datetime | None
) -> datetime | None:
    offer = next((one for one in launch.offers if one.offer_id == offer_id), None)
    if offer is None:
        return latest_at
    last = offer.valid_until if offered_at is None else offer.valid_until_for(offered_at, account.zone)
    if last is None:
        return latest_at
    ends = datetime.combine(last + timedelta(days=1), time(0), tzinfo=account.zone).astimezone(UTC)
    return ends if latest_at is None else min(ends, latest_at)


def _cooldown_days(launch: Launch) -> int:
    if launch.definition.offers is None:
        raise ValueError(f"launch {launch.launch_id} has no offer policy, but a send with an offer")
    return launch.definition.offers.cooldown_days
