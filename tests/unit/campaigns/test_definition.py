from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from pydantic import ValidationError

from winback.aws.documents import to_item
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.policies import StopOn
from winback.fields import field_problems
from winback.segmentation.names import FAMILY_OF, Family, Segment
from winback.slices.problems import parse_condition

Build = Callable[..., CampaignDefinition]


def problems(build: Build, **changes: Any) -> dict[str, tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        build(**changes)
    return {found.field: (found.problem, found.expected) for found in field_problems(caught.value)}


def test_the_defaults_are_those_of_the_reference(definition: Build) -> None:
    campaign = definition()
    assert campaign.channels == ("email",)
    assert (campaign.holdout.share, campaign.holdout.finds_points) == (None, 2.0)
    assert campaign.evaluation_days == 91
    assert campaign.attribution_days == 14
    assert set(campaign.stop_on) == {StopOn.PURCHASE, StopOn.UNSUBSCRIBE, StopOn.COMPLAINT}


def test_an_unsubscribe_or_complaint_stops_the_sequence_whether_it_is_named_or_not(definition: Build) -> None:
    campaign = definition(stop_on=[])
    assert campaign.stop_on == (StopOn.UNSUBSCRIBE, StopOn.COMPLAINT)
    assert not campaign.stops_on_purchase


def test_an_audience_is_the_union_of_its_segments_and_families(definition: Build) -> None:
    audience = definition(audience={"segments": ["Champions"], "families": ["Slipping"]}).audience
    assert {name for name in Segment if audience.may_include(name, FAMILY_OF[name])} == {
        Segment.CHAMPIONS,
        Segment.SLIPPING_VIPS,
        Segment.SLIPPING_REGULARS,
    }


def test_another_kind_narrows_the_audience(definition: Build) -> None:
    cells = [{"value_tier": "Premium", "status": "At Risk"}, {"value_tier": "Mass", "status": "At Risk"}]
    audience = definition(audience={"families": ["Slipping"], "cells": [*cells, cells[0]]}).audience
    assert len(audience.cells) == 2
    assert audience.may_include("Slipping VIPs", "Slipping", "Premium", "At Risk")
    assert not audience.may_include("Slipping VIPs", "Slipping", "VIP", "At Risk")
    assert not audience.may_include("Champions", "Heroes", "Premium", "At Risk")


@pytest.mark.parametrize(
    "audience",
    [
        {"slice": "slc-0123456789ab"},
        {"newly_lapsed": True},
        {"cells": [{"value_tier": "VIP", "status": "At Risk"}]},
        {"segments": ["Loyal"], "families": ["Slipping"], "slice": "slc-0123456789ab", "newly_lapsed": True},
    ],
)
def test_each_kind_is_enough_and_survives_its_json(definition: Build, audience: dict[str, Any]) -> None:
    campaign = definition(audience=audience)
    assert CampaignDefinition.model_validate_json(campaign.model_dump_json()) == campaign
    assert parse_condition(campaign.audience.condition.model_dump(mode="json")) == campaign.audience.condition


def test_a_cell_that_does_not_occur_is_refused(definition: Build) -> None:
    found = problems(definition, audience={"cells": [{"value_tier": "VIP", "status": "New"}]})
    assert found["audience.cells[0]"][0] == "is no cell of the grid"


def test_every_segment_has_a_family_and_every_family_a_segment() -> None:
    assert set(FAMILY_OF) == set(Segment)
    assert set(FAMILY_OF.values()) == set(Family)


def test_an_audience_of_nobody_is_refused(definition: Build) -> None:
    assert "audience" in problems(definition, audience={})


def test_an_unknown_segment_is_named_by_its_path_with_what_would_be_right(definition: Build) -> None:
    found = problems(definition, audience={"segments": ["Champions", "Sleepers"]})
    assert "'Champions'" in found["audience.segments[1]"][1]


def test_a_field_nobody_knows_is_refused(definition: Build) -> None:
    assert problems(definition, buget=5)["buget"][0] == "is not a known field"


def test_days_of_steps_must_increase(definition: Build) -> None:
    steps = [{"template": "we-miss-you", "after_days": 3}, {"template": "still-thinking", "after_days": 3}]
    problem, expected = problems(definition, steps=steps)["steps[1].after_days"]
    assert problem == "is 3, and step-1 before it lies on day 3"
    assert expected == "more than 3"


@pytest.mark.parametrize("count", [0, 11])
def test_a_campaign_has_one_to_ten_steps(definition: Build, count: int) -> None:
    steps = [{"template": "we-miss-you", "after_days": day} for day in range(count)]
    assert problems(definition, steps=steps)["steps"] == (f"there are {count} steps", "1 to 10")


@pytest.mark.parametrize("text", ["9:30", "24:00", "09:60", "0930", "nine", "09:30:00"])
def test_a_time_of_day_that_is_none_is_refused(definition: Build, text: str) -> None:
    found = problems(definition, steps=[{"template": "we-miss-you", "after_days": 0, "send_at": text}])
    assert "steps[0].send_at" in found


def test_a_message_of_ones_own_is_checked_field_by_field(definition: Build) -> None:
    found = problems(definition, steps=[{"template": {"subject": "Hello", "body": "x"}, "after_days": 0}])
    assert found["steps[0].template.body"][0] == "is not a known field"


@pytest.mark.parametrize("share", [-0.1, 0.51])
def test_a_holdout_of_less_than_nothing_or_more_than_half_is_refused(definition: Build, share: float) -> None:
    assert "holdout.share" in problems(definition, holdout={"share": share})


def test_a_holdout_has_a_share_or_an_effect_to_find_and_not_both(definition: Build) -> None:
    found = problems(definition, holdout={"share": 0.1, "detect_points": 2})
    assert found == {"holdout.detect_points": ("says how many to hold out, as share does", "one of the two")}
    for stated in ({"share": 0.1, "detect_points": None}, {"share": None, "detect_points": 1.5}):
        assert CampaignDefinition.model_validate_json(definition(holdout=stated).model_dump_json())
    assert definition(holdout={"detect_points": 1.5}).holdout.finds_points == 1.5


def test_the_evaluation_must_outlast_the_last_step(definition: Build) -> None:
    assert problems(definition, evaluation_days=8)["evaluation_days"][0].startswith("is 8")
    assert definition(evaluation_days=9).evaluation_days == 9


def test_the_evaluation_ends_within_what_a_launch_may_last(definition: Build) -> None:
    assert problems(definition, evaluation_days=731)["evaluation_days"][1] == "730 or less"
    last = [{"template": "we-miss-you", "after_days": 728}]
    assert definition(steps=last, evaluation_days=730).evaluation_days == 730


def test_a_definition_survives_json(definition: Build) -> None:
    campaign = definition()
    assert CampaignDefinition.model_validate_json(campaign.model_dump_json()) == campaign


def test_a_definition_too_large_for_its_table_item_is_refused(definition: Build) -> None:
    steps = [{"template": {"subject": "s", "mjml": "x" * 90_000}, "after_days": day} for day in range(3)]
    assert "bytes" in problems(definition, steps=steps)["body"][0]


def test_the_size_is_counted_in_bytes_as_the_table_counts_it(definition: Build) -> None:
    steps = [{"template": {"subject": "s", "mjml": "\N{SNOWMAN}" * 35_000}, "after_days": day} for day in range(2)]
    problem, expected = problems(definition, steps=steps)["body"]
    assert "has 211" in problem
    assert expected == "at most 200000"


@pytest.mark.parametrize(("given", "kept"), [(1e-200, 0), (-0.0, 0), (0.1234567, 0.123457), (0.5, 0.5), (0, 0)])
def test_a_holdout_share_is_kept_to_a_millionth(definition: Build, given: float, kept: float) -> None:
    campaign = definition(holdout={"share": given})
    assert str(campaign.holdout.share) == str(float(kept))
    TypeSerializer().serialize(to_item(campaign))


HELLO = {"name": "hello", "template": "we-miss-you", "after_days": 0}
LATER = {"template": "still-thinking", "after_days": 9}


def branch(asked: str = "engaged", **more: Any) -> dict[str, Any]:
    return {"branch": {"on": asked}, "after_days": 5, "then": [LATER], **more}


@pytest.mark.parametrize(
    ("changes", "place", "expected"),
    [
        ({"steps": [HELLO, {**LATER, "name": "hello"}]}, "steps[1].name", "a name of its own"),
        (
            {"audience": {"newly_lapsed": True}, "schedule": {"weekday": "monday", "at": "09:00"}},
            "schedule",
            "starts_on: newly_lapsed instead, or another audience",
        ),
        ({"steps": [branch()]}, "steps[0].branch.step", "the name of a step on the way to this branch"),
        ({"steps": [HELLO, branch("converted")]}, "steps[1].then", "steps in otherwise, or stop_on without it"),
        ({"steps": [HELLO, branch(then=[{**LATER, "after_days": 4}])]}, "steps[1].then[0].after_days", "at least 5"),
        ({"steps": [HELLO, branch(), LATER]}, "steps[2].after_days", "more than 9"),
        ({"steps": [HELLO, branch(then=[])]}, "steps[1]", "steps in then, in otherwise or in both"),
        ({"steps": [{**HELLO, "offer": True}]}, "steps[0].offer", "a policy in `offers`"),
        (
            {"offers": {"offers": ["off-0123456789ab"], "budget_minor": 1}},
            "offers",
            "`offer: true` at the step that carries the offer",
        ),
        (
            {"experiments": [{"name": "x", "step": "helo", "variants": [{"name": "a"}, {"name": "b"}]}]},
            "experiments[0].step",
            "one of step-1, step-2",
        ),
        (
            {
                "experiments": [
                    {"name": name, "variants": [{"name": "a"}, {"name": "b", "send_at": "08:00"}]}
                    for name in ("x", "y")
                ]
            },
            "experiments[1]",
            "one of them to leave it alone",
        ),
    ],
)
def test_what_does_not_fit_together_is_named_by_its_path(
    definition: Build, changes: dict[str, Any], place: str, expected: str
) -> None:
    assert problems(definition, **changes)[place][1] == expected


def test_a_customer_s_variants_make_its_step(definition: Build) -> None:
    tested = definition(
        steps=[HELLO, LATER],
        experiments=[
            {"name": "line", "step": "hello", "variants": [{"name": "a"}, {"name": "b", "subject": "You"}]},
            {"name": "way", "variants": [{"name": "a"}, {"name": "b", "channels": ["sms", "email"]}]},
        ],
    )
    first, second = (tested.step_for(number, {"line": "b", "way": "b"}) for number in (1, 2))
    assert (first.subject, first.channels) == ("You", ("sms", "email"))
    assert (second.subject, second.channels) == (None, ("sms", "email"))
    assert tested.step_for(1, {}).channels == ("email",)
    with pytest.raises(ValueError, match="no variant c: expected one of a, b"):
        tested.step_for(1, {"line": "c"})


def test_branches_within_branches_without_end_are_refused(definition: Build) -> None:
    node: dict[str, Any] = LATER
    for _ in range(400):
        node = branch("segment", then=[node])
    assert problems(definition, steps=[node])
