"""The call list: customers of the cells whose channels a person works (account manager, phone, events)."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from winback.identifiers import CustomerKey, customer_key
from winback.instants import format_instant
from winback.money import Money
from winback.playbook.rows import Playbook, PlaybookCell, PlaybookChannel, cell_name
from winback.playbook.written import columns, plain
from winback.segmentation.explanations import explain
from winback.segmentation.grid import Cell, Status, ValueTier

if TYPE_CHECKING:
    import duckdb

MOST_CALLS = 20_000
"""Nobody works off more; the SQL stops there."""
OBJECT = "calls.jsonl.gz"
"""Name of the list beside the snapshot's other files."""
CHECKED = (
    "Listed are customers with a profile who consent to a channel that the person's way of getting in touch falls "
    "under (calls or texts for the phone; those or e-mail for an account manager or an event), whose address or "
    "number is there and not suppressed, who are not held out of a launch under way, and who, unless they are active, "
    "have not purchased since the snapshot. Where you send no consent to calls, check your own do-not-call register "
    "before you ring."
)


UNCHECKED = "A file of orders tells no consent, suppression or holdout: check them before anybody is contacted."


class Call(BaseModel):
    """One row of calls.jsonl.gz."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    customer_key: CustomerKey
    segment: str
    value_tier: ValueTier
    status: Status
    purchases: int
    purchase_orders: int
    net_minor: int
    last_purchase_at: str
    silence_days: int
    lapse_days: int
    median_gap_days: int | None = None
    seasonal: bool = False
    season_month: int | None = None

    @property
    def cell(self) -> Cell:
        return Cell(self.value_tier, self.status)


class NotCalled(StrEnum):
    """Why somebody of the list must not be contacted now."""

    NO_PROFILE = "no_profile"
    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    PURCHASED_SINCE = "purchased_since"
    HELD_OUT = "held_out"


class Door(StrEnum):
    """Whether a channel is open for somebody."""

    OPEN = "open"
    SUPPRESSED = "suppressed"
    CLOSED = "closed"
    """No consent, or no address."""


@dataclass(frozen=True)
class Reach:
    """What is known of a customer beside the list."""

    has_profile: bool
    email: Door
    phone: Door
    """Consent to text messages stands for the number."""
    last_order_at: datetime | None
    held_out: bool


def write_calls(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    cells: Sequence[PlaybookCell],
    *,
    relation: str = "snapshot",
    key: str = "customer_id",
) -> int:
    """Writes the list of `relation` as JSON Lines (gzip), the same rows giving the same bytes; returns its length.

    `relation` has the snapshot's columns with the customer's key in `key`; `cells` are a playbook's rows that a person
    works (`Playbook.called`).
    """
    lines = [
        json.dumps(call, separators=(",", ":"), sort_keys=True)
        for call in select_calls(connection, cells, relation, key)
    ]
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), 6, mtime=0))
    return len(lines)


def select_calls(
    connection: "duckdb.DuckDBPyConnection",
    cells: Sequence[PlaybookCell],
    relation: str = "snapshot",
    key: str = "customer_id",
) -> Iterator[dict[str, Any]]:
    """Rows as `Call` reads them, in the order in which they are worked."""
    connection.execute("CREATE OR REPLACE TEMP TABLE called_cells (value_tier VARCHAR, status VARCHAR, rank INTEGER)")
    if cells:
        ranked = [(str(row.value_tier), str(row.status), row.priority.rank) for row in cells]
        connection.executemany("INSERT INTO called_cells VALUES (?, ?, ?)", ranked)
    people = connection.table(relation)
    if key != "customer_key":
        people = people.project(f'"{key}" AS customer_key, * EXCLUDE ("{key}")')
    people.create_view("callable_customers", replace=True)
    cursor = connection.execute(files("winback.playbook").joinpath("calls.sql").read_text(encoding="utf-8"))
    names = [column[0] for column in cursor.description or []]
    for row in cursor.fetchall():
        call = dict(zip(names, row, strict=True))
        yield {**call, "last_purchase_at": format_instant(call["last_purchase_at"].replace(tzinfo=UTC))}


def of_playbook(calls: Iterable[Call], playbook: Playbook) -> list[Call]:
    """Those whose cell the playbook still gives to a person, in its order."""
    rows = {row.cell: row for row in playbook.called}
    return sorted((call for call in calls if call.cell in rows), key=lambda call: rows[call.cell].priority.rank)


def refused(call: Call, row: PlaybookCell, reach: Reach, as_of: datetime) -> NotCalled | None:
    """The first reason not to contact the customer, or None.

    Whoever is in rhythm may be thanked for a new purchase; whoever is called because of silence has broken it.
    """
    suppressed = Door.SUPPRESSED in (reach.email, reach.phone)
    came_back = reach.last_order_at is not None and reach.last_order_at >= as_of
    checks = (
        (NotCalled.NO_PROFILE, not reach.has_profile),
        (NotCalled.SUPPRESSED if suppressed else NotCalled.NO_CONSENT, not ways(row, reach)),
        (NotCalled.HELD_OUT, reach.held_out),
        (NotCalled.PURCHASED_SINCE, came_back and call.status is not Status.ACTIVE),
    )
    return next((reason for reason, holds in checks if holds), None)


def ways(row: PlaybookCell, reach: Reach) -> list[PlaybookChannel]:
    """Which of the row's personal channels are open: the phone needs its own consent, a person or an event any."""
    doors = {PlaybookChannel.PHONE: (reach.phone,)}
    return [channel for channel in row.by_person if Door.OPEN in doors.get(channel, (reach.phone, reach.email))]


def call_page(
    calls: Sequence[Call],
    known: Mapping[CustomerKey, tuple[str | None, Reach]],
    playbook: Playbook,
    as_of: datetime,
    currency: str,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """(whom to contact with the facts to do it by, how many were left out by reason).

    `known` has the store's own id of each customer and what is known of it now. There is no address or number in it.
    """
    listed, left_out = list[dict[str, Any]](), Counter[str]()
    for call in calls:
        customer_id, reach = known[call.customer_key]
        row = playbook.row(call.cell)
        if reason := refused(call, row, reach, as_of):
            left_out[reason] += 1
            continue
        listed.append(
            {
                "customer_key": call.customer_key,
                "customer_id": customer_id,
                "cell": cell_name(call.cell),
                "segment": call.segment,
                "priority": row.priority,
                "campaign": row.campaign,
                "by": ways(row, reach),
                "tactics": list(row.tactics),
                "offer": row.offer.words,
                "why": explain(call.model_dump(), currency),
                "purchases": call.purchases,
                "cltv_to_date_minor": call.net_minor,
                "last_purchase_at": call.last_purchase_at,
                "silence_days": call.silence_days,
                "lapse_days": call.lapse_days,
            }
        )
    return listed, dict(left_out)


def calls_csv(calls: Iterable[Mapping[str, Any]], playbook: Playbook, pseudonym_salt: str | None, currency: str) -> str:
    """Rows of `select_calls` whose key is the store's own customer id, as CSV for a person.

    With a salt, customers go by `winback.identifiers.customer_key` of it and by no id; without, by their id.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    who = "customer_id" if pseudonym_salt is None else "customer_key"
    value = columns(["CLTV to date"], currency)
    writer.writerow(
        [who, "cell", "segment", "priority", "campaign", "by", "why", "last purchase", "silent days", *value]
    )
    for found in calls:
        call, row = Call.model_validate(found), playbook.row(Call.model_validate(found).cell)
        name = str(call.customer_key)
        writer.writerow(
            [
                plain(name) if pseudonym_salt is None else customer_key(pseudonym_salt, name),
                cell_name(call.cell),
                call.segment,
                row.priority,
                plain(row.campaign),
                ", ".join(row.by_person),
                explain(call.model_dump(), currency),
                call.last_purchase_at[:10],
                call.silence_days,
                Money(call.net_minor, currency).amount,
            ]
        )
    return out.getvalue()
