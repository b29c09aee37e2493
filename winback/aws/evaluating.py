"""Asks one branch of one chunk's customers, and writes their ways down once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from winback.aws import keys
from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.tables import batch_get
from winback.campaigns.launch import Launch
from winback.campaigns.paths import answer
from winback.campaigns.priorities import is_on_path
from winback.campaigns.steps import BranchOn, BranchPoint
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId


@dataclass(frozen=True)
class Evaluator:
    launches: LaunchStore
    ledger: Ledger
    customers_table: Any
    lake: Lake

    def evaluate(self, account_id: AccountId, launch_id: LaunchId, branch: int, chunk: int) -> list[Row]:
        """Rows `{customer_key, way}` of the eligible customers who come to the branch. The first attempt to write them
        wins: later ones give what it wrote, whatever happened since.
        """
        launch = self.launches.get(account_id, launch_id)
        point = launch.definition.branch_point(branch)
        files = LaunchFiles(self.lake, launch)
        eligible = [row for row in self.lake.read_rows(files.audience_key(chunk)) if row["eligible"]]
        ways = files.ways(point.conditions, chunk)
        members = [row for row in eligible if is_on_path(point.conditions, row["customer_key"], ways)]
        customers = [CustomerKey(member["customer_key"]) for member in members]
        found = answer(
            launch,
            point,
            members,
            ledger=self._ledger_rows(launch, point, customers),
            last_order_at=self._last_orders(launch, point, customers),
            segments=self._segments(launch, point, customers),
        )
        return files.keep_first(files.path_key(branch, chunk), found)

    def _ledger_rows(self, launch: Launch, point: BranchPoint, customers: list[CustomerKey]) -> Mapping[str, Row]:
        if point.step is None:
            return {}
        sends = [SendId(launch.account_id, launch.launch_id, point.step, customer) for customer in customers]
        return {send.customer_key: row for send, row in self.ledger.rows(sends, consistent=False).items()}

    def _last_orders(self, launch: Launch, point: BranchPoint, customers: list[CustomerKey]) -> Mapping[str, str]:
        if point.branch.branch.on is not BranchOn.CONVERTED:
            return {}
        return self._known({one: keys.activity(launch.account_id, one) for one in customers}, "last_order_at")

    def _segments(self, launch: Launch, point: BranchPoint, customers: list[CustomerKey]) -> Mapping[str, str]:
        if point.branch.branch.on is not BranchOn.SEGMENT:
            return {}
        return self._known({one: keys.segment(launch.account_id, one) for one in customers}, "segment")

    def _known(self, places: Mapping[CustomerKey, keys.Key], attribute: str) -> Mapping[str, str]:
        """The attribute of those customers whose item has it."""
        items = batch_get(self.customers_table, places.values())
        found = {customer: items.get(keys.pair(place), {}) for customer, place in places.items()}
        return {customer: item[attribute] for customer, item in found.items() if attribute in item}
