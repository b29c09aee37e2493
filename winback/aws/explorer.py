"""Previews and explorations of one account's snapshot, with a campaign simulated over the selection."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from duckdb import DuckDBPyConnection

from winback.accounts import Account
from winback.aws.lake import Lake
from winback.aws.lifts import LiftStore
from winback.aws.rubrics import settings_of_snapshot
from winback.aws.selections import SnapshotCache, opened
from winback.aws.snapshots import Snapshot
from winback.costs import prices
from winback.money import exponent
from winback.slices.compilation import Ground
from winback.slices.condition import Condition
from winback.slices.exploration import explore, groups_of, hidden_groups
from winback.slices.lifts import measured_lifts, untreated_rates
from winback.slices.preview import Marked, preview_of
from winback.slices.requests import SimulatedCampaign
from winback.slices.saved import SavedSlice, conditions_of
from winback.slices.simulation import Lift, Plan, assumed, simulate

LIST_PRICES = {"email": "ses_email", "push": "sns_push"}
"""What a message costs when the request names no price. An SMS costs what its country and carrier ask."""


class NoListPrice(ValueError):
    """The channel has no one price, and the request names none."""


@dataclass(frozen=True)
class Explorer:
    account: Account
    snapshot: Snapshot
    saved: Mapping[str, SavedSlice]
    lake: Lake
    lifts: LiftStore
    cache: SnapshotCache

    def preview(self, condition: Condition, others: Mapping[str, str], hidden_below: int) -> dict[str, Any]:
        """`others`: names by id of the slices to compare with. Raises ConditionRefused."""
        with self._opened(condition, others) as (connection, ground):
            marked = Marked(connection, condition, ground, others)
            found = preview_of(marked, ground, as_of=self.snapshot.as_of, hidden_below=hidden_below)
        return {"snapshot_id": self.snapshot.snapshot_id, **found.model_dump(mode="json")}

    def explore(
        self,
        condition: Condition | None,
        others: Mapping[str, str],
        hidden_below: int,
        campaign: SimulatedCampaign | None,
    ) -> dict[str, Any]:
        """No condition means everybody. Raises ConditionRefused and NoListPrice."""
        plan = self._plan(campaign) if campaign is not None else None
        with self._opened(condition, others) as (connection, ground):
            marked = Marked(connection, condition, ground, others)
            found = explore(marked, ground, as_of=self.snapshot.as_of, hidden_below=hidden_below)
            groups = groups_of(marked, plan.channel, ground) if plan is not None else []
        answer = {"snapshot_id": self.snapshot.snapshot_id, **found.model_dump(mode="json")}
        if plan is None:
            return answer
        launches = self.lifts.of_account(self.account.account_id)
        lifts = self._assumed() | {
            segment: Lift(**lift.model_dump(), basis="measured") for segment, lift in measured_lifts(launches).items()
        }
        rates = self._organic() | untreated_rates(launches)
        simulation = simulate(
            groups,
            {str(name): lift for name, lift in lifts.items()},
            plan,
            currency=self.account.currency,
            decimals=exponent(self.account.currency),
            untreated_rates={str(name): rate for name, rate in rates.items()},
            hidden=hidden_groups(found, groups, hidden_below),
        )
        return {**answer, "simulation": simulation.model_dump(mode="json")}

    def _opened(
        self, condition: Condition | None, others: Mapping[str, str]
    ) -> AbstractContextManager[tuple[DuckDBPyConnection, Ground]]:
        return opened(
            self.cache,
            self.account.account_id,
            self.snapshot,
            self.account.currency,
            condition=condition,
            slices=conditions_of(self.saved),
            others=others,
        )

    def _plan(self, campaign: SimulatedCampaign) -> Plan:
        price, currency, source = campaign.price_per_message, self.account.currency, "the request"
        if price is None:
            if campaign.channel not in LIST_PRICES:
                raise NoListPrice(f"a message by {campaign.channel} costs what its country and carrier ask")
            listed = prices.price(LIST_PRICES[campaign.channel])
            price, currency = listed.of(1), prices.currency()
            source = (
                f"AWS list price for one {listed.unit}, {prices.region()}, read {prices.read_on()}: {listed.source}"
            )
        return Plan(
            channel=campaign.channel,
            messages=campaign.messages,
            price=Decimal(price),
            price_currency=currency,
            price_source=source,
            holdout_share=campaign.holdout_share,
        )

    def _assumed(self) -> dict[Any, Lift]:
        """The assumptions of the rubric that the snapshot was cut by."""
        settings = settings_of_snapshot(self.lake, self.snapshot.prefix)
        return {segment: assumed(policy.assumed_lift) for segment, policy in settings.segments.items()}

    def _organic(self) -> dict[Any, float]:
        """The share of each segment that came back by itself, as the snapshot's summary observed it."""
        summary = self.lake.read_json(f"{self.snapshot.prefix}summary.json")
        known = {row["segment"]: row.get("organic") for row in summary.get("priorities", [])}
        return {segment: seen["share"] for segment, seen in known.items() if seen and seen["share"] is not None}
