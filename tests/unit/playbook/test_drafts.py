from hypothesis import given
from hypothesis import strategies as st

from tests.unit.playbook.standings import standing
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.messages import message_problems
from winback.campaigns.policies import StopOn
from winback.experiments.power import smallest_detectable_effect
from winback.identifiers import AccountId
from winback.playbook.drafts import (
    ASSUMED_BASE_RATE,
    FEWEST_MEASURABLE,
    HOLDOUT_SHARES,
    LARGEST_EFFECT,
    WANTED_EFFECT,
    DraftPlan,
    NotDrafted,
    holdout_size,
    plan_drafts,
)
from winback.playbook.loading import replaced, shipped_playbook
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier

RISKY = Cell(ValueTier.VIP, Status.AT_RISK)
MASS_RISKY = Cell(ValueTier.MASS, Status.AT_RISK)
SLEEPING = Cell(ValueTier.HIBERNATING, Status.HIBERNATING)
EVERYWHERE = dict.fromkeys(CELLS, 5_000)
ACME = AccountId("acme")


def plan(cell: Cell, customers: int) -> DraftPlan:
    (found,) = plan_drafts(shipped_playbook(), standing({cell: customers}), [cell])
    return found


def definition(cell: Cell, customers: int = 5_000) -> CampaignDefinition:
    found = plan(cell, customers).definition
    assert found is not None
    return found


def test_each_cell_gives_a_campaign_that_can_be_sent_as_it_is() -> None:
    plans = plan_drafts(shipped_playbook(), standing(EVERYWHERE))
    assert [found.row.cell for found in plans] == list(CELLS)
    for found in plans:
        assert found.definition is not None
        assert list(message_problems(found.definition)) == []
        assert StopOn.PURCHASE in found.definition.stop_on


def test_a_draft_addresses_the_customers_of_its_cell_and_no_other() -> None:
    audience = definition(RISKY).model_dump(mode="json")["audience"]
    assert audience["cells"] == [{"value_tier": "VIP", "status": "At Risk"}]
    assert not audience["segments"]
    assert not audience["families"]


def test_steps_come_when_the_timing_says() -> None:
    assert [step.after_days for step in definition(MASS_RISKY).steps] == [0, 21]
    assert [step.after_days for step in definition(Cell(ValueTier.MASS, Status.POTENTIAL)).steps] == [28, 49]


def test_sleeping_customers_get_one_message_and_three_months_of_peace() -> None:
    assert len(definition(SLEEPING).steps) == 1
    assert plan(SLEEPING, 5_000).describe()["again_after_days"] == 91


def test_nobody_holds_out_sixteen_vips() -> None:
    found = plan(RISKY, 16)
    assert found.definition is not None
    assert found.definition.holdout.share == 0
    assert found.describe()["smallest_detectable_effect"] is None
    assert "cannot be told" in found.note


def test_a_large_cell_holds_out_less_than_a_small_one() -> None:
    shares = [definition(SLEEPING, customers).holdout.share for customers in (500, 2_000, 20_000)]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[-1]) == (HOLDOUT_SHARES[-1], HOLDOUT_SHARES[0])


def test_a_cell_that_is_too_small_to_measure_gets_no_draft_and_the_way_to_one() -> None:
    found = plan(MASS_RISKY, FEWEST_MEASURABLE - 1)
    assert (found.definition, found.reason) == (None, NotDrafted.TOO_SMALL_TO_MEASURE)
    assert 'holdout = "none"' in found.note
    row = {"value_tier": "Mass", "status": "At Risk", "draft": {"holdout": "none"}}
    (own,) = plan_drafts(replaced({"cells": [row]}), standing({MASS_RISKY: 5}), [MASS_RISKY])
    assert own.definition is not None


def test_an_empty_cell_and_one_without_email_get_no_draft() -> None:
    assert plan(MASS_RISKY, 0).reason is NotDrafted.EMPTY_CELL
    row = {"value_tier": "VIP", "status": "At Risk", "channels": ["phone"], "draft": {}}
    (found,) = plan_drafts(replaced({"cells": [row]}), standing(EVERYWHERE), [RISKY])
    assert (found.reason, found.describe()["worked_by_a_person"]) == (NotDrafted.NOT_BY_EMAIL, ["phone"])


@given(st.integers(0, 100_000))
def test_a_holdout_finds_what_it_says(customers: int) -> None:
    size = holdout_size(customers)
    if size is None:
        assert customers < FEWEST_MEASURABLE
        return
    effect = smallest_detectable_effect(customers * (1 - size.share), customers * size.share, ASSUMED_BASE_RATE)
    assert size.smallest_effect == effect
    assert effect is not None
    assert effect <= LARGEST_EFFECT
    assert effect <= WANTED_EFFECT or size.share == HOLDOUT_SHARES[-1]


def test_a_cell_has_one_draft_until_its_row_changes() -> None:
    few, many = plan(SLEEPING, 500), plan(SLEEPING, 50_000)
    assert few.campaign_id(ACME) == many.campaign_id(ACME)
    assert few.campaign_id(ACME) != few.campaign_id(AccountId("rival"))
    row = {"value_tier": "Hibernating", "status": "Hibernating", "campaign": "Let them sleep"}
    (changed,) = plan_drafts(replaced({"cells": [row]}), standing(EVERYWHERE), [SLEEPING])
    assert changed.campaign_id(ACME) != many.campaign_id(ACME)
    assert len({p.campaign_id(ACME) for p in plan_drafts(shipped_playbook(), standing(EVERYWHERE))}) == len(CELLS)
