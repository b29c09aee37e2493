"""What slows and stops sending: the ramp of a new domain, an account's reputation, a provider's circuit."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.answers import Accepted, Answer, Refused, Throttled, Unclear
from winback.delivery.circuit import FAILURES, LONGEST_PAUSE, Circuit, CircuitState, is_outage
from winback.delivery.feeding import SendQuota
from winback.delivery.reputation import MINIMUM_SENT, Counts, Pace, judge
from winback.delivery.sending_status import Situation, WarmingUp, status
from winback.delivery.switches import StoppedBy, Switch
from winback.delivery.warm_up import DAYS, daily_limit

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FIRST = date(2026, 11, 1)
COUNTS = st.builds(Counts, st.integers(0, 20_000), st.integers(0, 300), st.integers(0, 30), st.integers(0, 300))


def limits() -> list[int | None]:
    return [daily_limit(FIRST, FIRST + timedelta(days=number)) for number in range(-1, DAYS + 1)]


def test_the_ramp_is_the_one_that_its_page_shows() -> None:
    shown = {1: 500, 2: 650, 3: 845, 5: 1_428, 7: 2_413, 10: 5_302, 14: 15_143, 18: 43_252, 21: 95_024, 28: 596_266}
    assert {day: daily_limit(FIRST, FIRST + timedelta(days=day - 1)) for day in shown} == shown


def test_the_ramp_rises_each_day_and_ends_after_six_weeks() -> None:
    before, *during, after = limits()
    assert (before, after) == (0, None)
    assert all(one is not None and two is not None and one < two <= one * 1.31 for one, two in pairwise(during))


@given(COUNTS, st.sampled_from(Pace))
def test_more_bounces_and_complaints_never_speed_an_account_up(counts: Counts, before: Pace) -> None:
    worse = Counts(counts.sent, counts.bounced + 10, counts.complained + 2, counts.unsubscribed)
    order = list(Pace)
    assert order.index(judge(counts, before).pace) <= order.index(judge(worse, before).pace)


@given(COUNTS)
def test_who_stopped_stays_stopped_whatever_is_counted(counts: Counts) -> None:
    assert judge(counts, Pace.STOPPED).pace is Pace.STOPPED


@given(COUNTS)
def test_a_pace_does_not_flicker_at_the_same_figures(counts: Counts) -> None:
    once = judge(counts, Pace.NORMAL).pace
    assert judge(counts, once).pace is once


@given(st.integers(0, MINIMUM_SENT - 1), st.integers(0, 300))
def test_few_sends_stop_nothing(sent: int, bounced: int) -> None:
    assert judge(Counts(sent, bounced, 5), Pace.NORMAL).pace is Pace.NORMAL


@pytest.mark.parametrize(
    ("bounced", "complained", "pace"),
    [(20, 0, "normal"), (25, 0, "slow"), (44, 0, "slow"), (45, 0, "stopped"), (0, 1, "normal"), (0, 2, "stopped")],
)
def test_sending_slows_and_stops_before_ses_would(bounced: int, complained: int, pace: str) -> None:
    health = judge(Counts(1000, bounced, complained), Pace.NORMAL)
    assert health.pace == pace
    assert bool(health.reasons) == (pace != "normal")


def test_a_slow_account_speeds_up_only_well_below_where_it_slowed() -> None:
    assert judge(Counts(1000, 24), Pace.SLOW).pace is Pace.SLOW
    assert judge(Counts(1000, 20), Pace.SLOW).pace is Pace.NORMAL


STEPS = st.lists(st.tuples(st.sampled_from(["failed", "succeeded", "probed"]), st.integers(0, 1200)), max_size=40)


@given(STEPS)
def test_a_circuit_passes_exactly_while_it_is_closed_and_is_probed_in_time(steps: list[tuple[str, int]]) -> None:
    circuit, now = Circuit(), NOW
    for step, seconds in steps:
        now += timedelta(seconds=seconds)
        match step:
            case "failed":
                circuit = circuit.failed("ServiceUnavailable", now)
            case "succeeded":
                circuit = circuit.succeeded()
            case _ if circuit.wants_probe(now):
                circuit = circuit.probed(now)
        assert circuit.passes == (circuit.state is CircuitState.CLOSED)
        assert circuit.passes == (circuit.opened_at is None)
        assert circuit.passes or circuit.wants_probe(now + LONGEST_PAUSE)
        assert not circuit.passes or circuit.failures < FAILURES


def opened(times: int = 1) -> tuple[Circuit, datetime]:
    circuit, now = Circuit(), NOW
    for _ in range(FAILURES):
        circuit = circuit.failed("x", now)
    for _ in range(times - 1):
        assert circuit.until is not None
        now = circuit.until
        circuit = circuit.probed(now).failed("x", now)
    return circuit, now


def test_a_success_in_between_starts_the_count_of_failures_anew() -> None:
    circuit = Circuit()
    for _ in range(20):
        circuit = circuit.failed("x", NOW).failed("x", NOW).succeeded()
    assert circuit == Circuit()


def test_each_probe_that_fails_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    waits = []
    for times in range(1, 7):
        circuit, now = opened(times)
        assert circuit.until is not None
        waits.append((circuit.until - now).total_seconds() / 60)
    assert waits == [1, 2, 4, 8, 15, 15]


def test_a_probe_that_works_closes_the_circuit_and_late_answers_do_not() -> None:
    circuit, now = opened()
    assert circuit.succeeded() is circuit
    assert circuit.probed(now).succeeded() == Circuit()


@pytest.mark.parametrize(
    ("answer", "outage"),
    [
        (Accepted("1"), False),
        (Refused("MessageRejected"), False),
        (Throttled("TooManyRequestsException", brief=True), False),
        (Throttled("LimitExceededException"), False),
        (Throttled("EndpointConnectionError"), True),
        (Unclear("ReadTimeoutError"), True),
    ],
)
def test_a_refusal_or_a_spent_quota_is_no_outage(answer: Answer, outage: bool) -> None:
    assert (is_outage(answer) is not None) == outage


def test_people_read_whose_switch_it_is() -> None:
    quota = SendQuota(14.0, 40_000)
    own = Switch(NOW, StoppedBy.REPUTATION, "5.00 % of the e-mails bounced for good")
    counts = Counts(1000, 50)
    stopped = Situation(own, Switch(), counts, judge(counts, Pace.NORMAL), {"email": opened()[0]}, quota)
    told = status(stopped, NOW)
    assert (told["sending"], told["stopped_by"]) == ("stopped", "itself")
    assert told["channels"]["email"]["tried_again_at"] == "2026-11-21T09:31:00Z"
    everybody = Situation(own, Switch(NOW, StoppedBy.PERSON), counts, judge(counts, Pace.NORMAL), {}, quota)
    assert status(everybody, NOW)["stopped_by"] == "operator"
    fresh = Situation(
        Switch(), Switch(), Counts(3), judge(Counts(3), Pace.NORMAL), {}, quota, WarmingUp(NOW.date(), 10)
    )
    told = status(fresh, NOW)
    assert (told["sending"], told["warm_up"]["limit_today"]) == ("on", 500)
    assert "too few" in told["health"]["says"]
