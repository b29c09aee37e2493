"""Who of the candidates takes part, in which arm, and who of them gets a step: rows in, rows out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from winback.accounts import FrequencyCap
from winback.campaigns.launch import Launch
from winback.delivery.gate import RecipientFacts, SendContext, decide, eligibility
from winback.experiments.assignment import Arm, arm, assignment_salt, variant
from winback.identifiers import CustomerKey, SendId
from winback.instants import format_instant

Row = dict[str, Any]

ALLOW, DENY = "allow", "deny"
VARIANTS = {"a": 1}  # one message per step; tested alternatives get their names and weights here


def enrol(launch: Launch, candidates: Iterable[Row], facts: Mapping[CustomerKey, RecipientFacts]) -> list[Row]:
    """The audience rows of docs/data-model.md: eligibility first, then, among the eligible, holdout and variant.

    So both arms hold the same kind of customer. An ineligible one has no arm (None) and all reasons.
    """
    holdout_salt = assignment_salt(launch.campaign_id, "holdout")
    variant_salt = assignment_salt(launch.campaign_id, "variant")
    share = launch.definition.holdout.share
    rows = []
    for candidate in candidates:
        customer = CustomerKey(candidate["customer_key"])
        verdict = eligibility(facts[customer])
        rows.append(
            {
                **candidate,
                "eligible": verdict.allowed,
                "reasons": [str(reason) for reason in verdict.reasons],
                "arm": str(arm(holdout_salt, customer, share)) if verdict.allowed else None,
                "variant": variant(variant_salt, customer, VARIANTS) if verdict.allowed else None,
            }
        )
    return rows


def plan_step(
    launch: Launch,
    step: int,
    audience: Iterable[Row],
    facts: Mapping[CustomerKey, RecipientFacts],
    *,
    frequency_cap: FrequencyCap,
    contacts_before: Mapping[CustomerKey, Sequence[datetime]] | None = None,
) -> list[Row]:
    """The plan rows of docs/data-model.md, one for each enrolled customer of either arm, in the audience's order.

    The gate is asked at the step's planned time. `contacts_before` are contacts that will have taken place by then
    without being booked yet: in a dry run, the launch's own earlier steps.
    """
    planned_at = launch.planned_at(step)
    send_at = format_instant(planned_at)
    treated = SendContext(
        channel=launch.definition.channel,
        assigned_at=launch.starts_at,
        held_out=False,
        stop_on_purchase=launch.definition.stops_on_purchase,
        frequency_cap=frequency_cap,
        planned_at=planned_at,
    )
    held_out = replace(treated, held_out=True)
    rows = []
    for member in audience:
        if not member["eligible"]:
            continue
        customer = CustomerKey(member["customer_key"])
        known = facts[customer]
        if contacts_before and customer in contacts_before:
            known = replace(known, recent_contacts=(*known.recent_contacts, *contacts_before[customer]))
        verdict = decide(known, held_out if member["arm"] == Arm.HOLDOUT else treated, planned_at)
        rows.append(
            {
                "customer_key": customer,
                "send_id": str(SendId(launch.account_id, launch.launch_id, step, customer)),
                "arm": member["arm"],
                "variant": member["variant"],
                "send_at": send_at,
                "verdict": ALLOW if verdict.allowed else DENY,
                "reasons": [str(reason) for reason in verdict.reasons],
            }
        )
    return rows
