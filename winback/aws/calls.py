"""The call list of a snapshot, page by page, with what is known of its customers now."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from winback.accounts import Account
from winback.aws import keys
from winback.aws.lake import Lake
from winback.aws.latest import PublishedSnapshots
from winback.aws.launches import LaunchStore
from winback.aws.snapshots import Snapshot
from winback.aws.suppressions import stands
from winback.aws.tables import Item, batch_get
from winback.campaigns.launch import UNDER_WAY, Launch
from winback.delivery.channels import CHANNELS, ChannelName
from winback.delivery.gate import Consent
from winback.experiments.assignment import Arm, arm, assignment_salt
from winback.identifiers import AccountId, CustomerKey, SnapshotId
from winback.instants import parse_instant
from winback.playbook.calls import CHECKED, OBJECT, Call, Door, Reach, call_page, of_playbook
from winback.playbook.requests import CallsQuery
from winback.playbook.rows import Playbook
from winback.segmentation.names import FAMILY_OF, Segment

HeldOut = Callable[[Call], bool]


class CallListPages:
    """Pages of the list of one account's snapshots."""

    def __init__(self, account: Account, snapshots: PublishedSnapshots, lake: Lake, customers_table: Any) -> None:
        self._account, self._snapshots, self._lake, self._customers = account, snapshots, lake, customers_table

    def read(self, playbook: Playbook, launches: Sequence[Launch], query: CallsQuery) -> dict[str, Any]:
        """Looks at `query.limit` customers and lists those who may be contacted. `launches`: those under way.

        Raises NoCallList, NotACursor, and what PublishedSnapshots.get does.
        """
        cursor = Cursor.parse(query.cursor) if query.cursor else None
        snapshot = self._snapshots.get(self._account.account_id, cursor.snapshot_id if cursor else None)
        calls = of_playbook(read_calls(self._lake, snapshot), playbook)
        start = cursor.offset if cursor else 0
        asked, following = calls[start : start + query.limit], start + query.limit
        known = load_reach(self._customers, self._account, asked, held_out_of(launches))
        listed, left_out = call_page(asked, known, playbook, parse_instant(snapshot.as_of), self._account.currency)
        return {
            "snapshot_id": snapshot.snapshot_id,
            "as_of": snapshot.as_of,
            "currency": self._account.currency,
            "of": len(calls),
            "calls": listed,
            "left_out": left_out,
            "checked": CHECKED,
            "next_cursor": str(Cursor(snapshot.snapshot_id, following)) if following < len(calls) else None,
        }


class NoCallList(LookupError):
    """The snapshot was made before call lists were written."""


class NotACursor(ValueError):
    """The text was not the `next_cursor` of a page."""


@dataclass(frozen=True)
class Cursor:
    """Where the next page starts: a place in the list of one snapshot, which never changes."""

    snapshot_id: SnapshotId
    offset: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.snapshot_id}:{self.offset}".encode()).decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NotACursor."""
        try:
            snapshot_id, _, offset = base64.urlsafe_b64decode(text.encode()).decode("ascii").partition(":")
        except (binascii.Error, UnicodeError):
            raise NotACursor("the cursor is none: expected next_cursor of the page before") from None
        if not snapshot_id.startswith("snp-") or not offset.isdecimal() or len(offset) > 9:
            raise NotACursor("the cursor is none: expected next_cursor of the page before")
        return cls(SnapshotId(snapshot_id), int(offset))


def read_calls(lake: Lake, snapshot: Snapshot) -> list[Call]:
    """The whole list, at most `winback.playbook.calls.MOST_CALLS` rows. Raises NoCallList."""
    key = f"{snapshot.prefix}{OBJECT}"
    if key not in lake.list(key):
        raise NoCallList(f"snapshot {snapshot.snapshot_id} has no call list: refresh once more (POST /v1/refreshes)")
    return [Call.model_validate(row) for row in lake.read_rows(key)]


def held_out_of(launches: Sequence[Launch]) -> HeldOut:
    """Whether a launch under way holds the customer out. A slice's members are not known here: all count as such."""
    experiments = [launch for launch in launches if launch.holdout_share > 0]

    def held_out(call: Call) -> bool:
        return any(
            _addresses(launch, call)
            and arm(assignment_salt(launch.campaign_id, "holdout"), call.customer_key, launch.holdout_share)
            is Arm.HOLDOUT
            for launch in experiments
        )

    return held_out


def launches_under_way(store: LaunchStore, account_id: AccountId) -> list[Launch]:
    return list(store.of_account(account_id, *UNDER_WAY))


def load_reach(
    customers_table: Any, account: Account, calls: Sequence[Call], held_out: HeldOut
) -> Mapping[CustomerKey, tuple[str | None, Reach]]:
    """(the store's own id, what is known) of each customer; two round trips per hundred customers."""
    account_id = account.account_id
    own = batch_get(
        customers_table,
        [key(account_id, call.customer_key) for call in calls for key in (keys.profile, keys.activity)],
        consistent=True,
    )
    profiles = {call.customer_key: own.get(keys.pair(keys.profile(account_id, call.customer_key))) for call in calls}
    suppressions = {
        (customer, channel.value): keys.suppression(account_id, account.address_hash(address), channel)
        for customer, profile in profiles.items()
        for channel in (ChannelName.EMAIL, ChannelName.SMS, ChannelName.CALL)
        if (address := CHANNELS[channel].address(profile or {}))
    }
    suppressed = batch_get(customers_table, suppressions.values(), consistent=True)

    def door(customer: CustomerKey, channel: str) -> Door:
        place = suppressions.get((customer, channel))
        if place is None or _consent(profiles[customer], channel) != Consent.GRANTED:
            return Door.CLOSED
        kept = stands(suppressed.get(keys.pair(place)), profiles[customer], channel)
        return Door.SUPPRESSED if kept else Door.OPEN

    def phone(customer: CustomerKey) -> Door:
        """Whoever agreed to calls or to texts may be rung; whoever told a caller never to ring again may not."""
        place = suppressions.get((customer, "call"))
        if place is not None and keys.pair(place) in suppressed:
            return Door.SUPPRESSED
        return Door.OPEN if door(customer, "call") is Door.OPEN else door(customer, "sms")

    found: dict[CustomerKey, tuple[str | None, Reach]] = {}
    for call in calls:
        customer, profile = call.customer_key, profiles[call.customer_key]
        activity = own.get(keys.pair(keys.activity(account_id, customer))) or {}
        ordered = activity.get("last_order_at")
        found[customer] = (
            (profile or {}).get("customer_id"),
            Reach(
                has_profile=profile is not None,
                email=door(customer, "email"),
                phone=phone(customer),
                last_order_at=parse_instant(ordered) if ordered else None,
                held_out=held_out(call),
            ),
        )
    return found


def _addresses(launch: Launch, call: Call) -> bool:
    audience = launch.definition.audience
    family = FAMILY_OF[Segment(call.segment)]
    return audience.may_include(call.segment, family, call.value_tier, call.status)


def _consent(profile: Item | None, channel: str) -> str | None:
    state: str | None = ((profile or {}).get("consent") or {}).get(channel, {}).get("state")
    return state
