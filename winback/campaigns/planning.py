"""Who of an audience gets a step, and why the others do not: rows in, rows out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from winback.accounts import Account
from winback.campaigns.contexts import send_context
from winback.campaigns.launch import Launch
from winback.delivery.contacts import Contact
from winback.delivery.gate import RecipientFacts, decide
from winback.experiments.assignment import Arm
from winback.identifiers import CustomerKey, SendId
from winback.instants import format_instant

Row = dict[str, Any]

ALLOW, DENY = "allow", "deny"


def plan_step(
    launch: Launch,
    step: int,
    audience: Iterable[Row],
    facts: Mapping[CustomerKey, RecipientFacts],
    *,
    account: Account,
    contacts_before: Mapping[CustomerKey, Sequence[Contact]] | None = None,
) -> list[Row]:
    """The plan rows of docs/data-model.md, one for each enrolled customer of either arm, in the audience's order.

    The gate is asked at the step's planned time. `contacts_before` are contacts that will have taken place by then
    without being booked yet: in a dry run, the launch's own earlier steps.
    """
    planned_at = launch.planned_at(step)
    known_so_far = {
        "arm": Arm.TREATMENT,
        "channel": launch.definition.channels[0],
        "send_at": format_instant(planned_at),
    }
    treated = send_context(launch, account, known_so_far)
    held_out = replace(treated, held_out=True)
    rows = []
    for member in audience:
        if not member["eligible"]:
            continue
        customer = CustomerKey(member["customer_key"])
        known = facts[customer]
        if contacts_before and customer in contacts_before:
            known = replace(known, contacts=(*known.contacts, *contacts_before[customer]))
        verdict = decide(known, held_out if member["arm"] == Arm.HOLDOUT else treated, planned_at)
        rows.append(
            {
                "customer_key": customer,
                "send_id": str(SendId(launch.account_id, launch.launch_id, step, customer)),
                "arm": member["arm"],
                "variants": member["variants"],
                "send_at": format_instant(verdict.send_at or planned_at),
                "verdict": ALLOW if verdict.allowed else DENY,
                "reasons": [str(reason) for reason in verdict.reasons],
            }
        )
    return rows
