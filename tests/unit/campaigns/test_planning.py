from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from winback.accounts import FrequencyCap
from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.enrolment import enrol
from winback.campaigns.launch import Launch
from winback.campaigns.planning import plan_step
from winback.delivery.gate import Consent, RecipientFacts
from winback.identifiers import CustomerKey, SendId

Row = dict[str, Any]
CAP = FrequencyCap(sends=1, days=7)
PEOPLE = [CustomerKey(f"{number:032x}") for number in range(400)]


def reachable(customer: CustomerKey, **changes: Any) -> RecipientFacts:
    facts = RecipientFacts(
        customer, has_profile=True, has_address=True, address_valid=True, consent=Consent.GRANTED, suppressed=False
    )
    return replace(facts, **changes)


def candidates(people: Iterable[CustomerKey] = PEOPLE) -> list[Row]:
    place = {
        "segment": "Slipping VIPs",
        "family": "Slipping",
        "value_tier": "VIP",
        "status": "At Risk",
        "lapsed": True,
    }
    return [{"customer_key": customer, **place} for customer in people]


def everyone_reachable() -> dict[CustomerKey, RecipientFacts]:
    return {customer: reachable(customer) for customer in PEOPLE}


def audience_of(
    launch: Launch, facts: dict[CustomerKey, RecipientFacts] | None = None, people: list[CustomerKey] = PEOPLE
) -> list[Row]:
    known = facts or everyone_reachable()
    return enrol(launch, candidates(people), {customer: [known[customer]] for customer in people}, GlobalHoldout())


def test_a_held_out_customer_is_never_allowed_a_step(launch: Launch) -> None:
    audience = audience_of(launch)
    plan = plan_step(launch, 1, audience, everyone_reachable(), frequency_cap=CAP)
    held_out = [row for row in plan if row["arm"] == "holdout"]
    assert held_out
    assert all(row["verdict"] == "deny" and row["reasons"] == ["held_out"] for row in held_out)
    assert all(row["verdict"] == "allow" and not row["reasons"] for row in plan if row["arm"] == "treatment")
    assert [row["customer_key"] for row in plan] == PEOPLE


def test_a_plan_row_names_its_ledger_row_and_its_time(launch: Launch) -> None:
    audience = audience_of(launch)
    for row in plan_step(launch, 2, audience, everyone_reachable(), frequency_cap=CAP):
        assert SendId.parse(row["send_id"]) == SendId(launch.account_id, launch.launch_id, 2, row["customer_key"])
        assert row["send_at"] == "2026-04-03T07:30:00Z"


def test_who_bought_since_the_assignment_gets_no_further_step_unless_the_campaign_says_otherwise(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    bought = {customer: reachable(customer, last_order_at=launch.starts_at) for customer in PEOPLE}
    audience = audience_of(launch)
    assert not any(row["verdict"] == "allow" for row in plan_step(launch, 2, audience, bought, frequency_cap=CAP))
    keeps_going = launch.model_copy(update={"definition": definition(stop_on=[])})
    plan = plan_step(keeps_going, 2, audience, bought, frequency_cap=CAP)
    assert all(row["verdict"] == "allow" for row in plan if row["arm"] == "treatment")
    before = {
        customer: reachable(customer, last_order_at=launch.starts_at - timedelta(seconds=1)) for customer in PEOPLE
    }
    plan = plan_step(launch, 2, audience, before, frequency_cap=CAP)
    assert all(row["verdict"] == "allow" for row in plan if row["arm"] == "treatment")


def test_the_cap_counts_contacts_at_the_planned_time_also_those_of_earlier_steps(launch: Launch) -> None:
    audience = audience_of(launch)
    first = launch.planned_at(1)
    for cap, verdict in ((FrequencyCap(sends=1, days=7), "deny"), (FrequencyCap(sends=1, days=6), "allow")):
        plan = plan_step(
            launch,
            2,
            audience,
            everyone_reachable(),
            frequency_cap=cap,
            contacts_before={customer: [first] for customer in PEOPLE},
        )
        assert {row["verdict"] for row in plan if row["arm"] == "treatment"} == {verdict}
