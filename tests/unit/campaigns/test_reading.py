"""A definition as text: what JSON and YAML mean, and the published schema."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.reading import DefinitionRefused, Unreadable, read_definition, read_yaml
from winback.campaigns.schema import campaign_schema_text
from winback.campaigns.steps import Step

SCHEMA = Path(__file__).parents[3] / "docs" / "campaign.schema.json"
YAML = """
name: Come back
audience: {families: [Slipping]}
channels: [email, sms]
priority: 70
steps:
- {name: hello, template: we-miss-you, after_days: 0, send_at: 10:30, on: [monday]}
- branch: {on: engaged, step: hello}
  after_days: 9
  then: [{template: we-miss-you, after_days: 9, send_within: {from: 09:00, until: "18:00", days: 2}}]
  otherwise: [{template: we-miss-you, after_days: 012, offer: yes please}]
experiments:
- {name: subject, step: hello, variants: [{name: a}, {name: b, share: 2, subject: "It is you: no"}]}
holdout: {exclude_tiers: [VIP]}
offers: {offers: [off-0123456789ab], budget_minor: 500 euros}
schedule: {weekday: tuesday, at: 09:00, every_weeks: 2}
"""


def test_yaml_takes_on_for_a_name_and_a_time_for_text() -> None:
    text = YAML.replace("yes please", "true").replace("500 euros", "50000")
    definition = read_definition(text)
    first, kept, other = definition.touches
    assert str(first.step.send_at) == "10:30:00"
    assert (first.step.on, other.step.after_days, other.step.offer) == (("monday",), 12, True)
    assert kept.conditions == ((1, "then"),)
    assert read_definition(definition.model_dump_json(), as_json=True) == definition
    assert read_definition(definition.model_dump_json()) == definition, "JSON is YAML too"


def test_every_problem_is_named_with_its_path() -> None:
    with pytest.raises(DefinitionRefused) as refused:
        read_definition(YAML)
    assert {problem.field for problem in refused.value.problems} == {
        "steps[1].otherwise[0].offer",
        "offers.budget_minor",
    }


@pytest.mark.parametrize(
    ("right", "wrong", "field", "problem", "expected"),
    [
        (
            "after_days: 9\n",
            "after_day: 9\n",
            "steps[1].after_day",
            "is not a known field",
            "after_days, if that was meant",
        ),
        (
            "otherwise:",
            "else:",
            "steps[1].else",
            "is not a known field",
            "one of after_days, branch, otherwise, then",
        ),
        ("- branch:", "- brnch:", "steps[1].brnch", "is not a known field", "branch, if that was meant"),
        ("until:", "till:", "steps[1].then[0].send_within.till", "is not a known field", "until, if that was meant"),
        ("after_days: 9\n", "after_days: soon\n", "steps[1].after_days", "is 'soon'", "a whole number"),
        ("on: [monday]", "on: monday", "steps[0].on", "is 'monday'", "a list, such as [one, another]"),
        ("10:30", "10.30", "steps[0].send_at", "is 10.3", "HH:MM such as 09:30"),
        ("after_days: 9\n", "after_days: -1\n", "steps[1].after_days", "is -1", "0 or more"),
        ("10:30", "24:00", "steps[0].send_at", "is '24:00'", "a time from 00:00 to 23:59"),
        ("share: 2", "share: half", "experiments[0].variants[1].share", "is 'half'", "a whole number"),
        ("off-0123456789ab", "spring", "offers.offers[0]", "is 'spring'", "an id such as off-0123456789ab"),
        (
            ', {name: b, share: 2, subject: "It is you: no"}',
            "",
            "experiments[0].variants",
            "does not fit",
            "2 or more of them",
        ),
        (
            "{on: engaged, step: hello}",
            "{on: segment}",
            "steps[1].branch",
            "segments are given with on: segment, and only then",
            "the segments that it asks for",
        ),
    ],
)
def test_a_mistake_is_told_once_in_the_words_of_who_wrote_it(
    right: str, wrong: str, field: str, problem: str, expected: str
) -> None:
    text = YAML.replace("yes please", "true").replace("500 euros", "50000")
    with pytest.raises(DefinitionRefused) as refused:
        read_definition(text.replace(right, wrong, 1))
    found = [(one.field, one.problem, one.expected) for one in refused.value.problems if one.problem != "is missing"]
    assert found == [(field, problem, expected)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "line 1, column 5"),
        ("a: 1\na: 2", "line 2, column 1: a is given twice"),
        ("a: &x [1]\nb: [*x, *x]", "line 2, column 8: there is an alias"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: !!int x", "does not fit the tag"),
        ("[" * 5000, "nested too deeply"),
        ("? [1]\n: 2", "a name is plain text"),
        ("name: Spring: come back", "line 1, column 13: .* expected text that holds a colon in quotes"),
        ("steps:\n\t- a", "line 2, column 1: .* expected spaces, not tabs"),
    ],
)
def test_what_is_no_plain_document_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        read_yaml(text)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6)
    | st.text("ab:1 -#\n[]{}'\"", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["on", "y", "10:30", "no"]), inner),
    max_leaves=8,
)


@given(values)
def test_whatever_json_says_yaml_says_too(value: Any) -> None:
    assert read_yaml(json.dumps(value)) == value


@pytest.mark.parametrize(("model", "head"), [(CampaignDefinition, "| field |"), (Step, "| of a step |")])
def test_every_field_of_a_definition_and_of_a_step_is_explained(model: type[BaseModel], head: str) -> None:
    page = (SCHEMA.parent / "campaigns.md").read_text(encoding="utf-8")
    rows = page[page.index(head) :].partition("\n\n")[0].splitlines()[2:]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert set(model.model_fields) <= told


def test_the_published_schema_is_that_of_the_models() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == campaign_schema_text(), (
        "write it anew: winback campaign schema > docs/campaign.schema.json"
    )


def test_the_published_schema_takes_what_the_models_take_and_no_unknown_field() -> None:
    definition = read_definition(YAML.replace("yes please", "true").replace("500 euros", "50000"))
    shown, schema = json.loads(definition.model_dump_json(exclude_none=True)), json.loads(SCHEMA.read_text())
    jsonschema.validate(shown, schema)
    assert CampaignDefinition.model_validate(shown) == definition
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**shown, "buget": 3}, schema)
