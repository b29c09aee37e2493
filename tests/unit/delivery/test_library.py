"""The shipped templates: one for each cell and behaviour of the playbook, fit to be sent to anybody."""

import re

import pytest

from winback.accounts.channels import ChannelName
from winback.delivery.messages import resolve_template, shipped_templates
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.samples import SAMPLES
from winback.playbook.loading import shipped_playbook
from winback.segmentation.behaviours import Behaviour

PLAYBOOK = shipped_playbook()
# Nothing promises a rate or presses: docs/decisions/2026-11-22-messages.md.
PRESSING = re.compile(
    r"\d\s*%|hurry up|last chance|act now|only today|don.t miss|exclusive|limited time|!!", re.IGNORECASE
)


def _name(*words: str) -> str:
    return "-".join(words).lower().replace(" ", "-").replace("'", "")


CELLS = {_name(row.value_tier, row.status): row for row in PLAYBOOK.cells}
BEHAVIOURS = [_name(behaviour) for behaviour in Behaviour]


def test_every_cell_and_behaviour_has_a_template_of_its_own() -> None:
    assert {*CELLS, *BEHAVIOURS} <= set(shipped_templates())


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_s_draft_begins_with_its_own_words(name: str) -> None:
    row = CELLS[name]
    assert row.draft is not None
    assert row.draft.touches[0].template == name
    if row.by_person:
        assert resolve_template(name).call is not None


@pytest.mark.parametrize("name", shipped_templates())
def test_a_template_speaks_on_every_channel_in_two_subjects_at_least_and_presses_nobody(name: str) -> None:
    template = resolve_template(name)
    for parts in (template, *template.locales.values()):
        assert parts.alternative_subjects
        assert parts.preheader
        assert parts.text is None
        said = " ".join(str(part) for part in vars(parts).values())
        assert not PRESSING.search(said.replace("{%", "").replace("%}", ""))
        for channel in (ChannelName.EMAIL, ChannelName.SMS, ChannelName.PUSH):
            assert parts.cover(channel)


@pytest.mark.parametrize("name", ["vip-at-risk", "welcome", "thank-you", "we-miss-you"])
def test_a_template_in_german_says_nothing_in_english(name: str) -> None:
    template = resolve_template(name)
    for channel in (ChannelName.EMAIL, ChannelName.SMS, ChannelName.PUSH):
        said = str(compile_template(template, channel, "de-AT").render(SAMPLES["all-known"])).partition("<style")[0]
        assert not re.search(r"\b(we|your|hello|and the|unsubscribe|reply)\b", said)
