"""Planning a step: who gets it, on which channel, at which hour and with which offer, and why the others do not."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.accounts import Account, FrequencyCap, FrequencyCaps, QuietHours, Sender, SendWindow
from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.planning import Planned, plan_step, stretches
from winback.delivery.contacts import Contact, ContactPolicy
from winback.delivery.gate import Consent, RecipientFacts
from winback.identifiers import AccountId, CampaignId, CustomerKey, LaunchId, SendId, SnapshotId
from winback.instants import format_instant, parse_instant
from winback.offers.offer import Offer

Row = dict[str, Any]
BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
ACCOUNT = Account(
    account_id=AccountId("acme"),
    name="Acme",
    currency="EUR",
    time_zone="Europe/Berlin",
    key_salt="0" * 32,
    sender=Sender(name="Acme", email="shop@acme.example.com", postal_address="1 Main Street"),
    public_url="https://mail.example.com",
)
PEOPLE = [CustomerKey(f"{number:032x}") for number in range(40)]
OFFER = "off-00000000000a"


def reachable(customer: CustomerKey, **changes: Any) -> RecipientFacts:
    facts = RecipientFacts(
        customer,
        has_profile=True,
        has_address=True,
        address_valid=True,
        consent=Consent.GRANTED,
        suppressed=False,
        zone=BERLIN,
    )
    return replace(facts, **changes)


def members(people: Iterable[CustomerKey] = PEOPLE, **changes: Any) -> list[Row]:
    """Audience rows; every fourth customer is held out."""
    row = {"segment": "Slipping VIPs", "value_tier": "VIP", "eligible": True, "variants": {}}
    return [
        {"customer_key": customer, "arm": "holdout" if number % 4 == 3 else "treatment", **row, **changes}
        for number, customer in enumerate(people)
    ]


def plan(
    launch: Launch, step: int = 1, *, account: Account = ACCOUNT, known: Planned | None = None, **changes: Any
) -> list[Row]:
    facts = {customer: {"email": reachable(customer, **changes)} for customer in PEOPLE}
    return plan_step(launch, step, members(), facts, account=account, known=known)


def treated(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["arm"] == "treatment"]


def verdicts(rows: list[Row]) -> set[tuple[str, ...]]:
    """Of treated customers: allow, or the reasons."""
    return {(row["verdict"], *row["reasons"]) for row in treated(rows)}


def test_a_held_out_customer_is_never_allowed_a_step(launch: Launch) -> None:
    rows = plan(launch)
    assert len(rows) == len(PEOPLE)
    assert verdicts(rows) == {("allow",)}
    held_out = [row for row in rows if row["arm"] == "holdout"]
    assert len(held_out) == 10
    assert {(row["verdict"], row["channel"], *row["reasons"]) for row in held_out} == {("deny", None, "held_out")}


def test_a_plan_row_names_its_ledger_row_its_channel_and_its_time(launch: Launch) -> None:
    for row in treated(plan(launch, 2)):
        assert SendId.parse(row["send_id"]) == SendId(launch.account_id, launch.launch_id, 2, row["customer_key"])
        assert (row["channel"], row["send_at"], row["segment"]) == ("email", "2026-04-03T07:30:00Z", "Slipping VIPs")


@pytest.mark.parametrize("weekdays", [(), ("friday",)])
def test_an_account_that_moves_to_another_zone_moves_no_step_of_its_launches(
    definition: Callable[..., CampaignDefinition], weekdays: tuple[str, ...]
) -> None:
    launch = prepared(
        definition(steps=[{"template": "we-miss-you", "after_days": 0, "send_at": "09:30", "on": weekdays}])
    )
    moved = ACCOUNT.model_copy(update={"time_zone": "Asia/Tokyo"})
    assert {row["send_at"] for row in plan(launch, account=moved)} == {format_instant(launch.planned_at(1))}


def test_who_bought_since_the_audience_was_chosen_gets_no_step_unless_the_campaign_says_otherwise(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    launch = launch.model_copy(update={"audience_as_of": launch.created_at - timedelta(hours=9)})
    assert launch.chosen_at < launch.created_at < launch.starts_at
    for step in (1, 2):
        assert verdicts(plan(launch, step, last_order_at=launch.chosen_at)) == {("deny", "converted")}
        assert verdicts(plan(launch, step, last_order_at=launch.starts_at)) == {("deny", "converted")}
    keeps_going = launch.model_copy(update={"definition": definition(stop_on=[])})
    assert verdicts(plan(keeps_going, 2, last_order_at=launch.starts_at)) == {("allow",)}
    assert verdicts(plan(launch, 2, last_order_at=launch.chosen_at - timedelta(seconds=1))) == {("allow",)}


def test_who_engaged_is_left_alone_where_the_campaign_says_so(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    assert verdicts(plan(launch, 2, engaged_at=launch.starts_at)) == {("allow",)}
    stopping = launch.model_copy(update={"definition": definition(stop_on=["engaged"])})
    assert verdicts(plan(stopping, 2, engaged_at=launch.starts_at)) == {("deny", "engaged")}


def test_no_message_with_an_offer_leaves_after_the_offers_last_day(
    definition: Callable[..., CampaignDefinition],
) -> None:
    step = {"template": "we-miss-you", "after_days": 0, "offer": True}
    launch = prepared(definition(steps=[step], offers={"offers": [OFFER], "budget_minor": 100_000}))
    moment = format_instant(launch.created_at)
    offer = Offer.model_validate(
        {
            "offer_id": OFFER,
            "name": "Free parcel",
            "kind": "free_shipping",
            "cost": {"fixed_minor": 400},
            "currency": "EUR",
            "valid_until": "2026-03-28",  # the launch's second day
            "created_at": moment,
            "updated_at": moment,
        }
    )
    waiting = launch.model_copy(update={"offers": (offer,), "state": LaunchState.SCHEDULED})
    known = Planned(offers={PEOPLE[0]: OFFER})
    for days, reasons in ((1, []), (2, ["stale"])):
        late = waiting.started(launch.starts_at + timedelta(days=days), BERLIN)
        rows = {row["customer_key"]: row["reasons"] for row in plan(late, known=known)}
        assert (rows[PEOPLE[0]], rows[PEOPLE[1]]) == (reasons, [])


def test_the_first_channel_that_is_open_wins_and_where_none_is_the_reasons_are_those_of_every_channel(
    definition: Callable[..., CampaignDefinition],
) -> None:
    both = prepared(definition(channels=["sms", "email"]))

    def planned(sms: dict[str, Any], email: dict[str, Any]) -> Row:
        facts = {PEOPLE[0]: {"sms": reachable(PEOPLE[0], **sms), "email": reachable(PEOPLE[0], **email)}}
        (row,) = plan_step(both, 1, members(PEOPLE[:1]), facts, account=ACCOUNT)
        return row

    assert planned({}, {})["channel"] == "sms"
    assert planned({"consent": Consent.DENIED}, {})["channel"] == "email"
    refund = {"open_cases": frozenset({"refund"})}
    closed = planned({"consent": Consent.DENIED, **refund}, {"suppressed": True, **refund})
    assert (closed["channel"], closed["reasons"]) == (None, ["open_refund"])
    closed = planned({"consent": Consent.DENIED}, {"suppressed": True})
    assert (closed["channel"], closed["reasons"]) == (None, ["no_consent", "suppressed"])


def test_caps_count_contacts_at_the_planned_time_also_those_of_earlier_steps_on_any_channel(launch: Launch) -> None:
    first = Contact(launch.planned_at(1), "sms", f"{launch.launch_id}#1")
    for days, verdict in ((8, ("deny", "overall_cap")), (6, ("allow",))):
        caps = FrequencyCaps(overall=FrequencyCap(sends=1, days=days))
        account = ACCOUNT.model_copy(update={"frequency_caps": caps})
        before = Planned(contacts_before={customer: [first] for customer in PEOPLE})
        assert verdicts(plan(launch, 2, account=account, known=before)) == {verdict}


def test_a_segments_contact_policy_holds_and_goes_with_the_row(launch: Launch) -> None:
    quarterly = Planned(policies={"Slipping VIPs": ContactPolicy(at_most=1, days=91)})
    at = launch.planned_at(2)
    before = (Contact(at - timedelta(days=90), "push", "other#1"),)
    assert verdicts(plan(launch, 2, known=quarterly, contacts=before)) == {("deny", "contact_policy")}
    rows = treated(plan(launch, 2, known=quarterly, contacts=(replace(before[0], at=at - timedelta(days=91)),)))
    assert {row["verdict"] for row in rows} == {"allow"}
    assert rows[0]["contact_policy"] == {"at_most": 1, "days": 91}


def test_a_launch_of_higher_priority_that_needs_the_room_goes_first(launch: Launch) -> None:
    coming = [
        Contact(launch.planned_at(1) + timedelta(days=day), "email", f"lau-00000000000b#{day}") for day in (1, 2, 3)
    ]
    rows = plan(launch, known=Planned(reserved={PEOPLE[0]: coming, PEOPLE[1]: coming[:2]}))
    denied = {row["customer_key"]: row["reasons"] for row in treated(rows) if row["verdict"] == "deny"}
    assert denied == {PEOPLE[0]: ["higher_priority"]}


def test_a_turn_in_the_global_holdout_that_begins_during_the_launch_counts(launch: Launch) -> None:
    everyone = ACCOUNT.model_copy(update={"global_holdout": GlobalHoldout(share=0.5)})
    rows = treated(plan(launch, account=everyone))
    out = [row for row in rows if row["reasons"] == ["global_holdout"]]
    assert 5 < len(out) < 25
    assert len(out) + sum(row["verdict"] == "allow" for row in rows) == len(rows)
    spared = ACCOUNT.model_copy(update={"global_holdout": GlobalHoldout(share=0.5, exclude_tiers=("VIP",))})
    assert verdicts(plan(launch, account=spared)) == {("allow",)}


def test_an_offer_rides_on_the_steps_that_carry_one_and_respects_its_cooldown(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    offers = {"offers": [OFFER], "budget_minor": 100_000, "cooldown_days": 60}
    steps = [
        {"template": "we-miss-you", "after_days": 0},
        {"template": "still-thinking", "after_days": 7, "send_at": "09:30", "offer": True},
    ]
    with_offer = launch.model_copy(update={"definition": definition(steps=steps, offers=offers)})
    known = Planned(offers={PEOPLE[0]: OFFER})
    assert {row["offer_id"] for row in plan(with_offer, 1, known=known)} == {None}
    assert {row["customer_key"]: row["offer_id"] for row in plan(with_offer, 2, known=known) if row["offer_id"]} == {
        PEOPLE[0]: OFFER
    }
    lately = (Contact(launch.planned_at(2) - timedelta(days=59), "email", "lau-00000000000c#1", OFFER),)
    denied = [row for row in treated(plan(with_offer, 2, known=known, contacts=lately)) if row["verdict"] == "deny"]
    assert [(row["customer_key"], row["reasons"]) for row in denied] == [(PEOPLE[0], ["discount_cap"])]


def test_who_is_better_left_alone_gets_no_message_that_would_carry_an_offer(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    steps = [
        {"template": "we-miss-you", "after_days": 0},
        {"template": "still-thinking", "after_days": 7, "send_at": "09:30", "offer": True},
    ]
    policy = {"offers": [OFFER], "budget_minor": 100_000}
    with_offer = launch.model_copy(update={"definition": definition(steps=steps, offers=policy)})
    known = Planned(left_alone={PEOPLE[0]})
    (first,) = [row for row in plan(with_offer, 1, known=known) if row["customer_key"] == PEOPLE[0]]
    (second,) = [row for row in plan(with_offer, 2, known=known) if row["customer_key"] == PEOPLE[0]]
    assert "left_alone" not in first["reasons"]
    assert (second["verdict"], second["channel"]) == ("deny", None)
    assert "left_alone" in second["reasons"]


def test_quiet_hours_move_a_message_and_the_next_step_makes_it_too_late(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    evening = [{"template": "we-miss-you", "after_days": 0, "send_at": "21:30"}]
    late = Launch.prepare(
        launch.account_id,
        launch.launch_id,
        launch.campaign_id,
        definition(steps=evening),
        launch.snapshot_id,
        prefix=launch.prefix,
        starts_at=launch.starts_at,
        now=launch.created_at,
        zone=BERLIN,
    )
    assert {row["send_at"] for row in treated(plan(late))} == {"2026-03-28T07:00:00Z"}
    assert {row["send_at"] for row in treated(plan(late, zone=ZoneInfo("America/New_York")))} == {
        "2026-03-27T20:30:00Z"
    }
    assert {row["send_at"] for row in treated(plan(late, zone=None))} == {"2026-03-28T10:00:00Z"}
    followed = late.model_copy(
        update={
            "definition": definition(
                steps=[*evening, {"template": "still-thinking", "after_days": 1, "send_at": "07:00"}]
            ),
            "steps": (
                *late.steps,
                late.steps[0].model_copy(update={"step": 2, "planned_at": datetime(2026, 3, 28, 6, tzinfo=UTC)}),
            ),
        }
    )
    assert verdicts(plan(followed)) == {("deny", "stale")}


def test_a_step_with_a_window_leaves_at_each_customers_best_hour_in_its_own_zone(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    steps = [{"template": "we-miss-you", "after_days": 0, "send_within": {"from": "09:00", "until": "18:00"}}]
    with_window = prepared(definition(steps=steps))
    best = [0.0] * 168
    best[4 * 24 + 15] = 1.0  # Friday, three in the afternoon
    zones = {PEOPLE[0]: BERLIN, PEOPLE[1]: ZoneInfo("Asia/Kolkata"), PEOPLE[2]: None}
    facts = {customer: {"email": reachable(customer, zone=zone)} for customer, zone in zones.items()}
    hours = dict.fromkeys(zones, best)
    at: dict[CustomerKey, set[str]] = {customer: set() for customer in zones}
    for number in range(30):  # a tenth of the choices is left to chance
        another = with_window.model_copy(update={"launch_id": LaunchId(f"lau-{number:012x}")})
        rows = plan_step(another, 1, members(zones), facts, account=ACCOUNT, known=Planned(hours=hours))
        for row in rows:
            assert 0 < row["hour_propensity"] <= 1
            assert row["possible_hours"] > 1
            if row["hour_propensity"] > 0.5:
                at[row["customer_key"]].add(row["send_at"])
    assert at == {
        PEOPLE[0]: {"2026-03-27T14:00:00Z"},
        PEOPLE[1]: {"2026-03-27T09:30:00Z"},
        PEOPLE[2]: {"2026-03-27T14:00:00Z"},
    }


def test_rows_that_leave_together_lie_together(launch: Launch) -> None:
    zones = [BERLIN, ZoneInfo("America/New_York"), None]
    facts = {customer: {"email": reachable(customer, zone=zones[number % 3])} for number, customer in enumerate(PEOPLE)}
    rows = plan_step(launch, 1, members(), facts, account=ACCOUNT)
    found = stretches(rows)
    assert [(channel, at) for channel, at, _, _ in found] == [
        ("email", "2026-03-27T08:00:00Z"),
        ("email", "2026-03-27T10:00:00Z"),
        ("email", "2026-03-27T12:00:00Z"),
    ]
    assert [start for _, _, start, _ in found] == [0, *(end for _, _, _, end in found[:-1])]
    assert found[-1][3] == sum(row["verdict"] == "allow" for row in rows)
    for channel, at, start, end in found:
        assert {(row["channel"], row["send_at"]) for row in rows[start:end]} == {(channel, at)}


def prepared(definition: CampaignDefinition, starts_at: datetime = datetime(2026, 3, 27, 8, tzinfo=UTC)) -> Launch:
    return Launch.prepare(
        ACCOUNT.account_id,
        LaunchId("lau-000000000001"),
        CampaignId("cmp-000000000001"),
        definition,
        SnapshotId("snp-000000000001"),
        prefix="launches/account=acme/lau-000000000001/",
        starts_at=starts_at,
        now=starts_at - timedelta(days=1),
        zone=BERLIN,
    )


ZONES = [
    None,
    *(ZoneInfo(name) for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/London")),
]
FACTS = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(ZONES),
        "consent": st.sampled_from(Consent),
        "suppressed": st.booleans(),
        "role_address": st.booleans(),
        "open_cases": st.sets(st.sampled_from(["complaint", "refund", "order_in_transit"]), max_size=1).map(frozenset),
    }
)
QUIET = st.builds(
    QuietHours, start=st.times().map(lambda at: at.replace(second=0, microsecond=0)), end=st.just(time(8))
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(PEOPLE), FACTS, min_size=1),
    QUIET,
    st.sampled_from([None, {"from": "06:00", "until": "23:00", "days": 2}, {"from": "12:00", "until": "12:45"}]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
)
def test_no_planned_message_leaves_in_quiet_hours_nor_early_and_no_denial_is_without_a_reason(
    facts: dict[CustomerKey, dict[str, Any]], quiet: QuietHours, window: dict[str, Any] | None, starts_at: datetime
) -> None:
    step = {"template": "we-miss-you", "after_days": 0, **({"send_within": window} if window else {})}
    launch = prepared(
        CampaignDefinition.model_validate({"name": "x", "audience": {"families": ["Slipping"]}, "steps": [step]}),
        starts_at,
    )
    account = ACCOUNT.model_copy(update={"quiet_hours": quiet})
    known = {customer: {"email": reachable(customer, **given)} for customer, given in facts.items()}
    rows = plan_step(launch, 1, members(facts), known, account=account)
    assert {row["customer_key"] for row in rows} == set(facts)
    for row in rows:
        assert (row["verdict"] == "allow") == (not row["reasons"]) == (row["channel"] is not None)
        at, zone = parse_instant(row["send_at"]), facts[row["customer_key"]]["zone"]
        assert at >= launch.planned_at(1)
        if zone is None:
            local = at.astimezone(BERLIN).time()
            assert SendWindow().from_ <= local < SendWindow().until
        else:
            local = at.astimezone(zone).time()
            assert not (quiet.start <= local < quiet.end if quiet.start < quiet.end else _outside(local, quiet))
    assert rows == plan_step(launch, 1, members(facts), known, account=account)


def _outside(at: time, quiet: QuietHours) -> bool:
    return quiet.start != quiet.end and (at >= quiet.start or at < quiet.end)


def test_a_variant_changes_the_step_of_its_customers_alone(definition: Callable[..., CampaignDefinition]) -> None:
    experiment = {
        "name": "hour",
        "variants": [{"name": "as-is"}, {"name": "later", "send_at": "17:00"}, {"name": "sms", "channels": ["sms"]}],
    }
    launch = prepared(definition(experiments=[experiment]))
    people = dict(zip(("as-is", "later", "sms"), PEOPLE, strict=False))
    rows = [members([customer], variants={"hour": variant})[0] for variant, customer in people.items()]
    facts = {customer: {channel: reachable(customer) for channel in ("email", "sms")} for customer in PEOPLE[:3]}
    found = {row["variants"]["hour"]: row for row in plan_step(launch, 1, rows, facts, account=ACCOUNT)}
    assert found["later"]["send_at"] == format_instant(datetime(2026, 3, 27, 16, tzinfo=UTC))
    assert found["sms"]["channel"] == "sms"
    assert found["as-is"]["send_at"] < found["later"]["send_at"]
