"""Draft campaigns of playbook rows: whom each addresses, when it writes, and how many it holds out to be measurable.

A draft is an ordinary campaign. Nothing leaves because of it: a person prepares a launch, reads its dry run, approves
and starts it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from winback.campaigns.definition import CampaignDefinition
from winback.experiments.power import needed_customers, smallest_detectable_effect
from winback.identifiers import AccountId, CampaignId, repeatable_id
from winback.pages.figures import count, percent, points
from winback.playbook.rows import HoldoutRule, Playbook, PlaybookCell, cell_name
from winback.playbook.standing import Standing
from winback.segmentation.grid import Cell

ASSUMED_BASE_RATE = 0.08
"""Share that purchases without a campaign, where none is measured; it only sizes holdouts."""
WANTED_EFFECT = 0.05
"""A holdout grows until an increase of so much (a share of 1) is found with 80 % power, or up to the largest share."""
LARGEST_EFFECT = 0.10
"""What only finds larger increases than this measures nothing that a campaign could cause."""
HOLDOUT_SHARES = (0.1, 0.2, 0.3)
FEWEST_MEASURABLE = needed_customers(ASSUMED_BASE_RATE, LARGEST_EFFECT, HOLDOUT_SHARES[-1])
"""Customers below which the largest holdout would not show an increase of LARGEST_EFFECT."""


class NotDrafted(StrEnum):
    EMPTY_CELL = "empty_cell"
    NOT_BY_EMAIL = "not_by_email"
    TOO_SMALL_TO_MEASURE = "too_small_to_measure"


@dataclass(frozen=True)
class HoldoutSize:
    """`smallest_effect`: the smallest true increase (a share of 1) that it finds; None when nobody is held out."""

    share: float
    smallest_effect: float | None


@dataclass(frozen=True)
class DraftPlan:
    """What is to be made of one row: a definition, or the reason why there is none."""

    row: PlaybookCell
    customers: int
    definition: CampaignDefinition | None
    holdout: HoldoutSize | None
    reason: NotDrafted | None
    note: str

    def campaign_id(self, account_id: AccountId) -> CampaignId:
        """The same for the same row of the same account, whatever the snapshot: a cell has one draft until its row
        changes. A campaign is launched as often as wanted, over the customers who are in the cell by then.
        """
        fingerprint = hashlib.sha256(self.row.model_dump_json().encode()).hexdigest()
        return CampaignId(repeatable_id("cmp", account_id, "playbook", cell_name(self.row.cell), fingerprint))

    def describe(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "cell": cell_name(self.row.cell),
            "priority": self.row.priority,
            "campaign": self.row.campaign,
            "customers": self.customers,
            "worked_by_a_person": list(self.row.by_person),
            "run_elsewhere": list(self.row.elsewhere),
            "again_after_days": self.row.timing.again_after_days,
            "note": self.note,
        }
        if self.reason is not None:
            return {**shown, "reason": self.reason}
        size = self.holdout or HoldoutSize(0, None)
        return {**shown, "holdout_share": size.share, "smallest_detectable_effect": size.smallest_effect}


def plan_drafts(playbook: Playbook, standing: Standing, cells: Iterable[Cell] | None = None) -> list[DraftPlan]:
    """One plan for each chosen cell, or for each of the 16, in the grid's order."""
    chosen = None if cells is None else set(cells)
    rows = [row for row in playbook.cells if chosen is None or row.cell in chosen]
    return [_plan(row, standing.of_cell(row.cell).customers) for row in rows]


def holdout_size(customers: int, shares: Sequence[float] = HOLDOUT_SHARES) -> HoldoutSize | None:
    """The smallest share that finds an increase of WANTED_EFFECT, else the largest one; None when nothing is found.

    `customers` before consent is asked: what a launch can reach is less, and its dry run says how much it can find.
    """
    if customers < FEWEST_MEASURABLE:
        return None
    effects = {
        share: smallest_detectable_effect(customers * (1 - share), customers * share, ASSUMED_BASE_RATE)
        for share in shares
    }
    share = next((s for s, effect in effects.items() if effect is not None and effect <= WANTED_EFFECT), shares[-1])
    return HoldoutSize(share, effects[share])


def _plan(row: PlaybookCell, customers: int) -> DraftPlan:
    def without(reason: NotDrafted, note: str) -> DraftPlan:
        return DraftPlan(row, customers, None, None, reason, note)

    if row.draft is None:
        return without(
            NotDrafted.NOT_BY_EMAIL, f"its channels are {', '.join(row.channels)}: there is no e-mail to draft"
        )
    if customers == 0:
        return without(NotDrafted.EMPTY_CELL, "nobody is in this cell")
    if row.draft.holdout is HoldoutRule.NONE:
        size = HoldoutSize(0.0, None)
        note = (
            "everybody is contacted and nobody held out, for the cell is small and dear: the effect of this campaign "
            "cannot be told"
        )
        return DraftPlan(row, customers, definition_of(row, size), size, None, note)
    found = holdout_size(customers)
    if found is None:
        return without(
            NotDrafted.TOO_SMALL_TO_MEASURE,
            f"{count(customers)} customers are too few: with {percent(HOLDOUT_SHARES[-1], 0)} held out, "
            f"{count(FEWEST_MEASURABLE)} are needed to find an increase of {points(LARGEST_EFFECT, 0, sign=False)} "
            f"over an assumed {percent(ASSUMED_BASE_RATE, 0)}. A playbook of your own that says "
            'holdout = "none" for this cell makes the draft, unmeasured',
        )
    note = (
        f"{percent(found.share, 0)} are held out, chosen by their customer key. If all consent, the smallest increase "
        f"that can be found is {points(found.smallest_effect, sign=False)} over an assumed "
        f"{percent(ASSUMED_BASE_RATE, 0)}"
    )
    return DraftPlan(row, customers, definition_of(row, found), found, None, note)


def definition_of(row: PlaybookCell, holdout: HoldoutSize) -> CampaignDefinition:
    """The row as a campaign. Raises ValueError when the row has no draft."""
    if row.draft is None:
        raise ValueError(f"{cell_name(row.cell)} has no e-mail to draft")
    return CampaignDefinition.model_validate(
        {
            "name": f"{row.campaign}: {cell_name(row.cell)}"[:120],
            "audience": {"cells": [{"value_tier": row.value_tier, "status": row.status}]},
            "steps": [{"template": t.template, "after_days": t.after_days} for t in row.draft.touches],
            "holdout": {"share": holdout.share},
            "evaluation_days": row.draft.evaluation_days,
        }
    )
