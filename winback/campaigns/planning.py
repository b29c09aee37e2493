"""Who of an audience gets a step, on which channel, when and with which offer, and why the others do not.

Rows in, rows out; the same for a dry run. A channel's turn comes in the order of preference, and the first one that the
gate opens wins. A message is planned for its step's time, or for the hour that is predicted to be the customer's best
within the step's window; the gate may move it to the end of the customer's quiet hours.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from winback.accounts import Account
from winback.campaigns.best_hours import BestHour, best_hour
from winback.campaigns.contexts import send_context
from winback.campaigns.launch import Launch
from winback.campaigns.steps import Step
from winback.campaigns.timeline import leaves_at
from winback.delivery.contacts import Contact, ContactPolicy
from winback.delivery.gate import Reason, RecipientFacts, SendContext, Verdict, decide, reached_by_none
from winback.experiments.assignment import Arm
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import CustomerKey, SendId
from winback.instants import format_instant

Row = dict[str, Any]
ChannelFacts = Mapping[str, RecipientFacts]

ALLOW, DENY = "allow", "deny"


@dataclass(frozen=True)
class Planned:
    """What is known beside the audience when one step is planned. Customers that are not named have nothing of it.

    `policies`: by segment. `offers`: the offer that a treated customer was given; `left_alone`: who is better not sent
    the message that would carry one. `hours`: distributions over the 168 hours of the week, by
    winback.predictions.send_time. `contacts_before`: contacts that will have taken place by then and are booked nowhere
    yet: in a dry run, the launch's own earlier steps. `reserved`: contacts that launches of higher priority are
    expected to make.
    """

    policies: Mapping[str, ContactPolicy] = field(default_factory=dict)
    offers: Mapping[CustomerKey, str] = field(default_factory=dict)
    left_alone: Collection[CustomerKey] = ()
    hours: Mapping[CustomerKey, Sequence[float]] = field(default_factory=dict)
    contacts_before: Mapping[CustomerKey, Sequence[Contact]] = field(default_factory=dict)
    reserved: Mapping[CustomerKey, Sequence[Contact]] = field(default_factory=dict)
    budget_left: bool = True
    switched_off: bool = False


def plan_step(
    launch: Launch,
    number: int,
    audience: Iterable[Row],
    facts: Mapping[CustomerKey, ChannelFacts],
    *,
    account: Account,
    known: Planned | None = None,
) -> list[Row]:
    """The plan rows of docs/data-model.md: one for each enrolled customer of either arm.

    `audience`: the rows of whoever is on the step's path. `facts`: of each customer on each channel that the step may
    take. First the allowed rows by channel, hour and customer, then the denied ones; so each stretch of rows that leave
    together on one channel lies together (`stretches`).
    """
    planner = _StepPlanner(launch, number, account, known or Planned())
    rows = [
        planner.row(member, facts[CustomerKey(member["customer_key"])]) for member in audience if member["eligible"]
    ]
    return sorted(
        rows, key=lambda row: (row["verdict"] != ALLOW, row["channel"] or "", row["send_at"], row["customer_key"])
    )


def stretches(rows: Sequence[Row]) -> list[tuple[str, str, int, int]]:
    """Of planned rows, each run of allowed ones with one channel and time: (channel, send_at, from row, to row)."""
    found: list[tuple[str, str, int, int]] = []
    for place, row in enumerate(rows):
        if row["verdict"] != ALLOW:
            break
        if found and found[-1][:2] == (row["channel"], row["send_at"]):
            found[-1] = (*found[-1][:3], place + 1)
        else:
            found.append((row["channel"], row["send_at"], place, place + 1))
    return found


class _StepPlanner:
    """What customers have in common is worked out once."""

    def __init__(self, launch: Launch, number: int, account: Account, known: Planned) -> None:
        self._launch, self._number, self._account, self._known = launch, number, account, known
        self._planned_at = launch.planned_at(number)
        self._latest_at = launch.latest_at(number)
        self._steps: dict[tuple[tuple[str, str], ...], tuple[Step, datetime]] = {}
        self._contexts: dict[tuple[str, str, bool, str | None, datetime], SendContext] = {}

    def row(self, member: Row, facts: ChannelFacts) -> Row:
        customer = CustomerKey(member["customer_key"])
        step, leaves = self._step(member["variants"])
        offer_id = self._known.offers.get(customer) if step.offer else None
        best = self._best_hour(customer, step, leaves, facts)
        at = best.at if best is not None else leaves
        channel, verdict = self._gate(member, step, facts, at, offer_id)
        if step.offer and customer in self._known.left_alone:
            channel, verdict = None, _with_reason(verdict, Reason.LEFT_ALONE)
        policy = self._known.policies.get(member["segment"])
        row: Row = {
            "customer_key": customer,
            "send_id": str(SendId(self._launch.account_id, self._launch.launch_id, self._number, customer)),
            "arm": member["arm"],
            "variants": member["variants"],
            "segment": member["segment"],
            "channel": channel,
            "send_at": format_instant(verdict.send_at or at),
            "verdict": ALLOW if verdict.allowed else DENY,
            "reasons": [str(reason) for reason in verdict.reasons],
            "offer_id": offer_id,
        }
        if policy is not None:
            row["contact_policy"] = policy.row()
        if self._account.global_holdout.exclude_tiers:  # the sender asks again whose turn it is
            row["value_tier"] = member["value_tier"]
        if best is not None and verdict.send_at == best.at:
            row |= {"hour_propensity": round(best.propensity, 6), "possible_hours": best.possible}
        return row

    def _step(self, variants: Mapping[str, str]) -> tuple[Step, datetime]:
        """The step as these variants make it, and when its messages leave at the earliest."""
        place = tuple(sorted(variants.items()))
        if place not in self._steps:
            step = self._launch.definition.step_for(self._number, variants)
            self._steps[place] = step, leaves_at(step, self._planned_at, self._launch.zone_of(self._account))
        return self._steps[place]

    def _best_hour(self, customer: CustomerKey, step: Step, leaves: datetime, facts: ChannelFacts) -> BestHour | None:
        if step.send_within is None:
            return None
        return best_hour(
            self._known.hours.get(customer),
            step.send_within,
            leaves,
            next(iter(facts.values())).zone,
            account=self._account,
            launch_id=self._launch.launch_id,
            step=self._number,
            customer=customer,
        )

    def _gate(
        self, member: Row, step: Step, facts: ChannelFacts, at: datetime, offer_id: str | None
    ) -> tuple[str | None, Verdict]:
        """The first channel that is open, with its verdict; else none, with why none is."""
        customer, closed = CustomerKey(member["customer_key"]), list[Verdict]()
        for channel in step.channels or self._launch.definition.channels:
            context = self._context(member, str(channel), at, offer_id)
            if customer in self._known.reserved:
                context = replace(context, reserved=tuple(self._known.reserved[customer]))
            verdict = decide(self._as_of(member, facts[channel], at), context, at)
            if verdict.allowed:
                return str(channel), verdict
            closed.append(verdict)
        if len(closed) == 1:
            return None, closed[0]
        return None, Verdict(reached_by_none([verdict.reasons for verdict in closed]), closed[0].send_at)

    def _as_of(self, member: Row, facts: RecipientFacts, at: datetime) -> RecipientFacts:
        """The facts as they will be: what the launch sends until then is a contact, the global holdout takes turns."""
        customer, rules = facts.customer_key, self._account.global_holdout
        if customer in self._known.contacts_before:
            facts = replace(facts, contacts=(*facts.contacts, *self._known.contacts_before[customer]))
        if rules.share and turn(rules, self._launch.account_id, customer, member["value_tier"], at) is Turn.HELD_OUT:
            facts = replace(facts, globally_held_out=True)
        return facts

    def _context(self, member: Row, channel: str, at: datetime, offer_id: str | None) -> SendContext:
        place = (channel, member["segment"], member["arm"] == Arm.HOLDOUT, offer_id, at)
        if place not in self._contexts:
            policy = self._known.policies.get(member["segment"])
            self._contexts[place] = send_context(
                self._launch,
                self._account,
                {
                    "arm": member["arm"],
                    "channel": channel,
                    "send_at": format_instant(at),
                    "offer_id": offer_id,
                    "contact_policy": policy.row() if policy is not None else None,
                },
                latest_at=self._latest_at,
                budget_left=self._known.budget_left,
                switched_off=self._known.switched_off,
            )
        return self._contexts[place]


def _with_reason(verdict: Verdict, one: Reason) -> Verdict:
    return Verdict(tuple(reason for reason in Reason if reason is one or reason in verdict.reasons), verdict.send_at)


def longest_days(account: Account, policies: Iterable[ContactPolicy]) -> timedelta:
    """How far apart two contacts may lie and still count together for some limit."""
    return timedelta(days=max([account.frequency_caps.longest_days, *(policy.days for policy in policies)]))
