"""When the steps of a sequence are planned, along every path through its branches."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.timeline import MoveKind, can_meet, latest_time, leaves_at, moves, timeline

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
FRIDAY = datetime(2026, 3, 27, 8, tzinfo=UTC)  # nine in the morning; summer time begins on the 29th
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def step(after_days: int, **more: Any) -> dict[str, Any]:
    return {"template": "we-miss-you", "after_days": after_days, **more}


def campaign(*steps: dict[str, Any], **more: Any) -> CampaignDefinition:
    base = {"name": "Come back", "audience": {"families": ["Slipping"]}, "evaluation_days": 300}
    return CampaignDefinition.model_validate({**base, "steps": steps, **more})


ENGAGED = {
    "branch": {"on": "engaged"},
    "after_days": 5,
    "then": [step(5, name="thanks"), step(12, name="more")],
    "otherwise": [step(6, name="again")],
}


def test_both_ways_of_a_branch_have_times_of_their_own_and_what_follows_waits_for_the_longer() -> None:
    planned = timeline(campaign(step(0), ENGAGED, step(13)), FRIDAY, BERLIN)
    assert [(moment - FRIDAY).days for moment in planned.steps] == [0, 4, 11, 5, 12]  # an hour short: summer time
    assert planned.branches == (planned.steps[1],)


def test_a_branch_is_asked_before_the_steps_of_the_same_moment() -> None:
    planned = timeline(campaign(step(0), ENGAGED), FRIDAY, BERLIN)
    made = [(move.kind, move.number) for move in moves(planned.steps, planned.branches)]
    assert made == [
        (MoveKind.PLAN, 1),
        (MoveKind.EVALUATE, 1),
        (MoveKind.PLAN, 2),
        (MoveKind.PLAN, 4),
        (MoveKind.PLAN, 3),
    ]


def test_what_its_weekday_would_bring_behind_the_next_step_moves_that_step_on() -> None:
    planned = timeline(campaign(step(0, on=["thursday"]), step(3)), FRIDAY, BERLIN)
    assert [moment.astimezone(BERLIN).strftime("%a %d %H:%M") for moment in planned.steps] == [
        "Thu 02 09:00",
        "Fri 03 09:00",
    ]


def test_a_step_is_planned_at_the_first_time_of_its_variants_and_each_leaves_at_its_own() -> None:
    variants = [{"name": "evening"}, {"name": "morning", "send_at": "08:00"}, {"name": "own", "send_at": "21:00"}]
    tested = campaign(step(1, send_at="18:00"), experiments=[{"name": "hour", "variants": variants}])
    (planned,) = timeline(tested, FRIDAY, BERLIN).steps
    assert planned == datetime(2026, 3, 28, 7, tzinfo=UTC)
    hours = [
        leaves_at(tested.step_for(1, {"hour": name}), planned, BERLIN).astimezone(BERLIN).strftime("%d %H")
        for name in ("evening", "morning", "own")
    ]
    assert hours == ["28 18", "28 08", "28 21"]


def test_what_follows_waits_for_the_last_message_of_a_window_and_of_every_variant() -> None:
    """Else the later ones would be too late to be sent, and an experiment would compare who got nothing."""
    window = {"from": "09:00", "until": "20:00", "days": 3}
    evening = campaign(step(0, send_within={"from": "08:00", "until": "20:00"}), step(1, send_at="09:30"))
    assert _days(timeline(evening, FRIDAY, BERLIN).steps) == ["Sat 28 08:00", "Sun 29 09:30"]
    on_a_weekday = campaign(step(0, on=["monday"], send_within=window), step(4))
    assert _days(timeline(on_a_weekday, FRIDAY, BERLIN).steps) == ["Mon 30 09:00", "Thu 02 09:00"]
    variants = [{"name": "at-once"}, {"name": "best-hour", "send_within": window}]
    tested = campaign(step(0), step(1), experiments=[{"name": "hour", "step": "step-1", "variants": variants}])
    assert _days(timeline(tested, FRIDAY, BERLIN).steps) == ["Fri 27 09:00", "Mon 30 09:00"]


def _days(moments: Iterable[datetime]) -> list[str]:
    return [moment.astimezone(BERLIN).strftime("%a %d %H:%M") for moment in moments]


def test_a_message_may_leave_until_the_next_step_that_its_reader_can_get() -> None:
    asked = campaign(step(0), ENGAGED, step(13))
    planned, end = timeline(asked, FRIDAY, BERLIN), FRIDAY + timedelta(days=300)
    until = [latest_time(asked, planned.steps, touch.number, end) for touch in asked.touches]
    first, thanks, more, again, last = planned.steps
    assert until == [thanks - DAY, more - DAY, last, last - DAY, end]
    assert again not in until[1:]
    assert first < thanks


def test_what_was_held_up_does_not_leave_within_a_day_of_the_next_step_and_what_is_in_time_may() -> None:
    for gap, left in ((1, timedelta(days=1)), (2, timedelta(days=2)), (3, timedelta(days=2)), (9, timedelta(days=8))):
        asked = campaign(step(0), step(gap))
        times = timeline(asked, FRIDAY, ZoneInfo("UTC")).steps
        assert latest_time(asked, times, 1, FRIDAY + 300 * DAY) == times[0] + left
    window = {"send_within": {"from": "09:00", "until": "18:00", "days": 5}}
    for first in (step(0, **window), step(0, name="a")):
        tests = (
            [{"name": "t", "step": "a", "variants": [{"name": "x"}, {"name": "y", **window}]}]
            if "name" in first
            else []
        )
        asked = campaign(first, step(6), experiments=tests)
        times = timeline(asked, FRIDAY, ZoneInfo("UTC")).steps
        assert latest_time(asked, times, 1, FRIDAY + 300 * DAY) >= min(times[0] + 6 * DAY, times[1])


sent_at = st.none() | st.integers(0, 23).map(lambda hour: f"{hour:02}:30")
weekdays = st.lists(st.sampled_from(WEEKDAYS), max_size=2, unique=True)


@st.composite
def sequences(draw: st.DrawFn, day: int = 0, depth: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Steps and branches in order, and the last day."""
    nodes: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 2))):
        if depth < 2 and draw(st.booleans()):
            then, one = draw(sequences(day, depth + 1))
            otherwise, other = draw(sequences(day, depth + 1))
            nodes.append({"branch": {"on": "segment", "segments": ["Loyal"]}, "after_days": day} | {"then": then})
            if draw(st.booleans()):
                nodes[-1]["otherwise"], one = otherwise, max(one, other)
            day = one + 1
        else:
            nodes.append(step(day, on=draw(weekdays), send_at=draw(sent_at)))
            day += draw(st.integers(1, 9))
    return nodes, day


@settings(max_examples=60, deadline=None)
@given(sequences(), st.integers(0, 400 * 24), st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
def test_along_every_path_time_only_goes_forward_and_a_branch_comes_before_what_hangs_on_it(
    drawn: tuple[list[dict[str, Any]], int], hour: int, name: str
) -> None:
    nodes, _ = drawn
    touches_in = str(nodes).count("template")
    assume(touches_in <= 10)
    definition, zone = campaign(*nodes, evaluation_days=400), ZoneInfo(name)
    start = FRIDAY + timedelta(hours=hour)
    planned = timeline(definition, start, zone)
    for place, touch in enumerate(definition.touches):
        assert planned.steps[place] >= start
        for other, later in zip(definition.touches[place + 1 :], planned.steps[place + 1 :], strict=True):
            if can_meet(touch.conditions, other.conditions):
                assert later > planned.steps[place]
        for branch, _way in touch.conditions:
            assert planned.branches[branch - 1] <= planned.steps[place]
        if touch.step.on:
            assert planned.steps[place].astimezone(zone).strftime("%A").lower() in touch.step.on
