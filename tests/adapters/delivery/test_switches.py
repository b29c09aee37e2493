"""Switches, circuits and counters under races: each turn happens once, and nobody's answer is lost."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from local.inprocess.tables import MemoryDatabase, MemoryTable
from winback.aws.circuits import Circuits
from winback.aws.ledger import Ledger
from winback.aws.quota import IN_FLIGHT, DayQuota, MinuteQuota
from winback.aws.reputation import Reputation
from winback.aws.switches import Brakes, Switches
from winback.delivery.circuit import FAILURES, Circuit, CircuitState
from winback.delivery.feeding import SendQuota
from winback.delivery.ledger import BounceType, Description, EventKind, FeedbackEvent, Outcome, outcome
from winback.delivery.reputation import Counts, Pace
from winback.delivery.switches import StoppedBy
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ACCOUNT, OTHER = AccountId("fjord"), AccountId("acme")
LAUNCH = LaunchId("lau-000000000001")


@pytest.fixture
def table() -> MemoryTable:
    return MemoryDatabase().table("campaigns")


def test_what_was_sent_is_counted_though_a_bounce_is_being_counted(
    table: MemoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB turns a plain write away while a transaction holds its item."""
    real, turned_away = table.update_item, [3]

    def update_item(**arguments: Any) -> Any:
        if turned_away[0] > 0:
            turned_away[0] -= 1
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
        return real(**arguments)

    monkeypatch.setattr(table, "update_item", update_item)
    monkeypatch.setattr("winback.aws.reputation.time.sleep", lambda seconds: None)
    reputation = Reputation(table)
    reputation.add_sent(ACCOUNT, LAUNCH, "email", 25, at=NOW)
    assert reputation.of_launch(ACCOUNT, LAUNCH).sent == 25
    assert reputation.of_days(ACCOUNT, "email", NOW)["2026-11-21"].sent == 25
    turned_away[0] = 100
    with pytest.raises(ClientError):
        reputation.add_sent(ACCOUNT, LAUNCH, "email", 25, at=NOW)


def test_of_those_who_stop_at_once_the_first_one_s_reason_stays(table: MemoryTable) -> None:
    switches = Switches(table)
    assert switches.stop(ACCOUNT, by=StoppedBy.REPUTATION, because="bounces", now=NOW)
    assert not switches.stop(ACCOUNT, by=StoppedBy.PERSON, because="mine", now=NOW)
    everybody, states = switches.read([ACCOUNT, OTHER])
    assert (everybody.stopped, states[OTHER].switch.stopped) == (False, False)
    assert states[ACCOUNT].switch.because == "bounces"
    assert switches.resume(ACCOUNT, counted=Counts(), now=NOW)
    assert not switches.resume(ACCOUNT, counted=Counts(), now=NOW)


def test_an_account_slows_stops_and_starts_anew_from_the_hour_of_its_resumption(table: MemoryTable) -> None:
    brakes, switches, reputation = Brakes(table), Switches(table), Reputation(table)

    def apply(at: datetime) -> tuple[Pace, bool]:
        health, stopped = brakes.apply(ACCOUNT, switches.read([ACCOUNT])[1][ACCOUNT], at)
        return health.pace, stopped

    def bounce(times: int) -> None:
        for number in range(times):
            send = SendId(ACCOUNT, LAUNCH, 1, CustomerKey(f"{number:032x}"))
            for write in reputation.counted_with(send, "email", EventKind.BOUNCED, at=NOW):
                table.update_item(**{name: value for name, value in write["Update"].items() if name != "TableName"})

    reputation.add_sent(ACCOUNT, LAUNCH, "email", 1000, at=NOW - timedelta(days=1))
    bounce(26)
    assert apply(NOW) == (Pace.SLOW, False)
    assert apply(NOW) == (Pace.SLOW, False)
    bounce(20)
    assert apply(NOW) == (Pace.STOPPED, True)
    assert apply(NOW) == (Pace.STOPPED, False)
    switches.resume(ACCOUNT, counted=reputation.of_days(ACCOUNT, "email", NOW)["2026-11-21"], now=NOW)
    assert apply(NOW) == (Pace.NORMAL, False)
    reputation.add_sent(ACCOUNT, LAUNCH, "email", 600, at=NOW)
    bounce(30)
    assert apply(NOW + timedelta(days=6)) == (Pace.STOPPED, True)
    assert brakes.counts(ACCOUNT, switches.read([ACCOUNT])[1][ACCOUNT], NOW + timedelta(days=9)) == Counts()
    assert reputation.of_launch(ACCOUNT, LAUNCH) == Counts(sent=1600, bounced=76)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30))
def test_senders_that_know_different_versions_of_a_circuit_lose_no_failure(answers: list[tuple[int, bool]]) -> None:
    circuits = Circuits(MemoryDatabase().table("campaigns"))
    known = [circuits.read("email")] * 3  # as three senders read it at first
    expected = Circuit()
    for sender, failed in answers:

        def change(circuit: Circuit, failed: bool = failed) -> Circuit:
            return circuit.failed("x", NOW) if failed else circuit.succeeded()

        if failed or known[sender].circuit != change(known[sender].circuit):
            known[sender] = circuits.change("email", change, known[sender])
            expected = change(expected)
    assert circuits.read("email").circuit == expected
    assert (expected.state is CircuitState.OPEN) == (expected.failures >= FAILURES)


def test_one_feeder_alone_sends_the_probe(table: MemoryTable) -> None:
    circuits = Circuits(table)
    opened = circuits.change("email", _failed_often, circuits.read("email"))
    probed = opened.circuit.probed(NOW)
    assert circuits.save("email", probed, replacing=opened.version)
    assert not circuits.save("email", probed, replacing=opened.version)


def _failed_often(circuit: Circuit) -> Circuit:
    for _ in range(FAILURES):
        circuit = circuit.failed("x", NOW)
    return circuit


def test_what_is_on_its_way_counts_against_the_day_before_the_provider_counts_it(table: MemoryTable) -> None:
    def take(minutes: float, wanted: int) -> int:
        moment = NOW + timedelta(minutes=minutes)
        return MinuteQuota(table, lambda: SendQuota(1.0, 100), moment, "email").take(wanted)

    assert [take(0, 60), take(1, 60), take(2, 60)] == [60, 40, 0]
    assert take(IN_FLIGHT.total_seconds() / 60 + 2, 60) == 60  # by then the provider has counted the first ones


def test_feeders_of_a_day_share_what_an_account_may_release(table: MemoryTable) -> None:
    quotas = [DayQuota(table, 500, ACCOUNT, date(2026, 11, 21)) for _ in range(3)]
    assert [quota.take(200) for quota in quotas] == [200, 200, 100]
    assert quotas[0].left() == 0
    assert DayQuota(table, 650, ACCOUNT, date(2026, 11, 22)).left() == 650


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([EventKind.DELIVERED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED]),
        st.integers(0, 20),
        st.sampled_from(BounceType),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.booleans())
def test_whatever_order_events_come_in_each_kind_counts_once_per_send(
    events: list[tuple[EventKind, int, BounceType]], claimed_first: bool
) -> None:
    database = MemoryDatabase()
    ledger, reputation = Ledger(database.table("performance")), Reputation(database.table("campaigns"))
    send = SendId(ACCOUNT, LAUNCH, 1, CustomerKey("a" * 32))

    def claim() -> None:
        described = Description("cmp-000000000001", "email")
        ledger.claim(send, claim="one", now=NOW, lease_until=NOW, described=described)

    if claimed_first:
        claim()
    kinds = set()
    for kind, seconds, bounce in events:
        event = FeedbackEvent(kind, NOW + timedelta(seconds=seconds), bounce if kind is EventKind.BOUNCED else None)
        counts = kind is not EventKind.DELIVERED and event.bounce_type is not BounceType.SOFT
        counted = reputation.counted_with(send, "email", kind, at=NOW) if counts else ()
        assert ledger.record(send, event, counted=counted) == claimed_first
        kinds |= {kind} if counts and claimed_first else set()
    assert reputation.of_launch(ACCOUNT, LAUNCH) == Counts(
        0,
        int(EventKind.BOUNCED in kinds),
        int(EventKind.COMPLAINED in kinds),
        int(EventKind.UNSUBSCRIBED in kinds),
    )
    if claimed_first and events:
        row = ledger.rows([send])[send]
        for kind, _, _ in events:
            earliest = min(seconds for other, seconds, _ in events if other is kind)
            assert row[kind.value].endswith(f"{earliest:02d}Z")
        assert outcome(row) is not Outcome.UNKNOWN
