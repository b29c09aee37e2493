from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.enrolment import enrol
from winback.campaigns.launch import Launch
from winback.campaigns.offer_steps import may_get_offer
from winback.delivery.gate import Consent, RecipientFacts
from winback.experiments.ratios import group_sizes
from winback.identifiers import CustomerKey, customer_key

Row = dict[str, Any]
Facts = dict[CustomerKey, list[RecipientFacts]]
PEOPLE = [customer_key("0" * 32, str(number)) for number in range(400)]
NOBODY = GlobalHoldout()


def reachable(customer: CustomerKey, **changes: Any) -> RecipientFacts:
    facts = RecipientFacts(
        customer, has_profile=True, has_address=True, address_valid=True, consent=Consent.GRANTED, suppressed=False
    )
    return replace(facts, **changes)


def candidates(people: Iterable[CustomerKey] = PEOPLE, **changes: Any) -> list[Row]:
    place = {
        "segment": "Slipping VIPs",
        "family": "Slipping",
        "value_tier": "VIP",
        "status": "At Risk",
        "lapsed": True,
    }
    return [{"customer_key": customer, **place, **changes} for customer in people]


def everyone_reachable() -> Facts:
    return {customer: [reachable(customer)] for customer in PEOPLE}


def test_who_cannot_be_reached_has_every_reason_and_no_arm(launch: Launch) -> None:
    facts = {PEOPLE[0]: [reachable(PEOPLE[0], consent=Consent.UNKNOWN, suppressed=True)]}
    (row,) = enrol(launch, candidates(PEOPLE[:1]), facts, NOBODY)
    assert not row["eligible"]
    assert row["reasons"] == ["no_consent", "suppressed"]
    assert row["arm"] is None
    assert not row["measured"]
    assert row["segment"] == "Slipping VIPs"


def test_one_open_channel_is_enough_and_without_any_the_reasons_of_all_are_told(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    customer = PEOPLE[0]
    launch = launch.model_copy(update={"definition": definition(channels=["email", "sms"])})
    email, sms = reachable(customer, suppressed=True), reachable(customer)
    (row,) = enrol(launch, candidates([customer]), {customer: [email, sms]}, NOBODY)
    assert (row["eligible"], row["reasons"], row["reached_by"]) == (True, [], ["sms"])
    sms = reachable(customer, has_address=False)
    (row,) = enrol(launch, candidates([customer]), {customer: [email, sms]}, NOBODY)
    assert (row["eligible"], row["reasons"]) == (False, ["no_address", "suppressed"])


def test_no_offer_is_set_aside_for_whom_the_step_that_carries_it_cannot_reach(
    definition: Callable[..., CampaignDefinition],
) -> None:
    steps = [
        {"template": "we-miss-you", "after_days": 0, "offer": True},
        {"template": "we-miss-you", "after_days": 3, "channels": ["sms"]},
    ]
    offers = {"offers": ["off-000000000001"], "budget_minor": 1000}
    asked = definition(steps=steps, offers=offers)
    by_text: Row = {"variants": {}, "reached_by": ["sms"]}
    by_both: Row = {"variants": {}}
    assert [may_get_offer(asked, member) for member in (by_text, by_both)] == [False, True]


def test_eligibility_comes_before_chance_so_the_arms_of_the_others_do_not_depend_on_it(launch: Launch) -> None:
    facts = everyone_reachable()
    arms = {row["customer_key"]: row["arm"] for row in enrol(launch, candidates(), facts, NOBODY)}
    for customer in PEOPLE[::3]:
        facts[customer] = [reachable(customer, consent=Consent.DENIED)]
    for row in enrol(launch, candidates(), facts, NOBODY):
        assert row["arm"] == (arms[row["customer_key"]] if row["eligible"] else None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.permutations(range(20)), st.lists(st.integers(1, 19), max_size=4))
def test_the_audience_does_not_depend_on_order_or_on_how_it_is_cut_into_chunks(
    launch: Launch, order: list[int], cuts: list[int]
) -> None:
    facts, held = everyone_reachable(), GlobalHoldout(share=0.2)
    whole = {row["customer_key"]: row for row in enrol(launch, candidates(PEOPLE[:20]), facts, held)}
    people = [PEOPLE[place] for place in order]
    borders = [0, *sorted(set(cuts)), 20]
    for start, end in pairwise(borders):
        for row in enrol(launch, candidates(people[start:end]), facts, held):
            assert row == whole[row["customer_key"]]


def test_another_launch_of_the_campaign_holds_out_the_same_customers(launch: Launch) -> None:
    def arms(launch: Launch) -> list[str]:
        return [row["arm"] for row in enrol(launch, candidates(), everyone_reachable(), NOBODY)]

    assert arms(launch.model_copy(update={"launch_id": "lau-00000000000b"})) == arms(launch)
    assert arms(launch.model_copy(update={"campaign_id": "cmp-00000000000b"})) != arms(launch)


def test_globally_held_out_customers_are_in_neither_arm(launch: Launch) -> None:
    rows = enrol(launch, candidates(), everyone_reachable(), GlobalHoldout(share=0.2))
    held = [row for row in rows if "global_holdout" in row["reasons"]]
    assert 50 < len(held) < 110
    assert all(row["arm"] is None and not row["eligible"] for row in held)
    arms = {row["customer_key"]: row["arm"] for row in enrol(launch, candidates(), everyone_reachable(), NOBODY)}
    assert all(row["arm"] == arms[row["customer_key"]] for row in rows if row["eligible"])


def test_a_tier_that_the_account_excludes_is_never_globally_held_out(launch: Launch) -> None:
    rules = GlobalHoldout(share=0.5, exclude_tiers=("VIP",))
    assert all(row["eligible"] for row in enrol(launch, candidates(), everyone_reachable(), rules))
    others = enrol(launch, candidates(value_tier="Mass"), everyone_reachable(), rules)
    assert 150 < sum(row["eligible"] for row in others) < 250


def test_a_tier_that_the_campaign_spares_is_treated_and_left_out_of_the_comparison(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    spared = launch.model_copy(
        update={"definition": definition(holdout={"exclude_tiers": ["VIP"]}), "holdout_share": 0.5}
    )
    rows = enrol(spared, candidates(), everyone_reachable(), NOBODY)
    assert {(row["arm"], row["measured"]) for row in rows} == {("treatment", False)}
    others = enrol(spared, candidates(value_tier="Mass"), everyone_reachable(), NOBODY)
    assert {(row["arm"], row["measured"]) for row in others} == {("treatment", True), ("holdout", True)}


def test_each_experiment_gives_its_variants_by_their_shares_and_apart_from_the_other(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    tests = [
        {"name": "subject", "variants": [{"name": "a", "share": 3}, {"name": "b", "share": 1, "subject": "Hello"}]},
        {"name": "when", "variants": [{"name": "a"}, {"name": "b", "send_at": "18:00"}]},
    ]
    tested = launch.model_copy(update={"definition": definition(experiments=tests)})
    rows = enrol(tested, candidates(), everyone_reachable(), GlobalHoldout(share=0.1))
    assert all(row["variants"] == {} for row in rows if not row["eligible"])
    taken = [row["variants"] for row in rows if row["eligible"]]
    for name, shares in (("subject", {"a": 3, "b": 1}), ("when", {"a": 1, "b": 1})):
        assert group_sizes(Counter(variants[name] for variants in taken), shares).plausible
    assert len({(variants["subject"], variants["when"]) for variants in taken}) == 4
    again = enrol(tested.model_copy(update={"holdout_share": 0.4}), candidates(), everyone_reachable(), NOBODY)
    sticky = {row["customer_key"]: row["variants"] for row in again}
    assert all(row["variants"] == sticky[row["customer_key"]] for row in rows if row["eligible"])
