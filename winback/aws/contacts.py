"""Contacts of customers in the performance table: one item a customer, over all channels, changed by version.

`recent` lists {at, send, channel, offer?}, `send` being `{launch}#{step}`, or `other#{touch_id}` for a message of
another tool. All limits of a send are checked against the list that its one conditional write replaces, so campaigns
that want the same customer at once cannot exceed them together.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, standing_in_the_way
from winback.delivery.contacts import Contact, ContactLimits, Limit, contact_name, exceeded
from winback.engagement.touches import Touch, TouchChannel, TouchKind
from winback.identifiers import AccountId, CustomerKey, SendId
from winback.instants import format_instant, parse_instant

KEPT_DAYS = 92  # the longest window of the shipped contact policies; longer ones keep contacts as long as they need
OFFERS_KEPT_DAYS = 731  # the longest cooldown of an offer policy
OTHER_TOOLS_DAYS = 31  # older sends of other tools are not taken
OTHER_TOOLS_MOST = 100  # of one customer; the latest stay
_ATTEMPTS = 12
_THREADS = 16
_CUSTOMERS_AT_A_TIME = 5_000


class Contention(RuntimeError):
    """Other writers kept winning; the caller's retry starts over."""


@dataclass(frozen=True)
class ContactList:
    """As read: what was booked, and the version that a write replaces (0: there is no item yet)."""

    contacts: tuple[Contact, ...] = ()
    version: int = 0

    @classmethod
    def from_item(cls, item: Item | None) -> "ContactList":
        if item is None:
            return cls()
        return cls(tuple(_contact(entry) for entry in item["recent"]), int(item["version"]))

    def without(self, send: str | None) -> tuple[Contact, ...]:
        return tuple(contact for contact in self.contacts if contact.send != send)


class ContactBook:
    """`loaded`: lists that were read already; booking then costs one write, and a read only where it lost a race."""

    def __init__(self, performance_table: Any, loaded: Mapping[CustomerKey, ContactList] | None = None) -> None:
        self._table = performance_table
        self._known = dict(loaded or {})

    def book(
        self, send_id: SendId, channel: str, *, now: datetime, limits: ContactLimits, offer: str | None = None
    ) -> tuple[Limit, ...]:
        """Takes a slot for the send, one however often it is asked: nothing then; else the limits in its way.

        A send that was throttled comes again later: its slot moves to `now`, when the message would leave, if the
        limits still have room then. Raises Contention when others kept changing the customer's list.
        """
        name, now = contact_name(send_id.launch_id, send_id.step), now.replace(microsecond=0)
        account_id, customer = send_id.account_id, send_id.customer_key
        known = self._list(account_id, customer)
        for _ in range(_ATTEMPTS):
            if any(one.send == name and one.at >= now for one in known.contacts):
                return ()
            others = known.without(name)
            if beyond := exceeded(others, channel, now, limits):
                return beyond
            kept = _kept(others, now, limits.longest_days)
            entries = [*kept, Contact(now, channel, name, offer)]
            overtaken = self._write(account_id, customer, entries, replacing=known.version)
            if overtaken is None:
                self._known[customer] = ContactList(tuple(entries), known.version + 1)
                return ()
            known = overtaken
        raise Contention("a contact list kept changing")

    def release(self, send_id: SendId) -> None:
        """Frees the send's slot; without one, as far as the list that was read says, nothing is written.

        Only for a send that is over and reached nobody: one that can still be claimed relies on its slot. Raises
        Contention.
        """
        name = contact_name(send_id.launch_id, send_id.step)
        account_id, customer = send_id.account_id, send_id.customer_key
        known = self._list(account_id, customer)
        for _ in range(_ATTEMPTS):
            others = known.without(name)
            if len(others) == len(known.contacts):
                return
            overtaken = self._write(account_id, customer, others, replacing=known.version)
            if overtaken is None:
                self._known[customer] = ContactList(others, known.version + 1)
                return
            known = overtaken
        raise Contention("a contact list kept changing")

    def add_others(self, account_id: AccountId, customer: CustomerKey, sent: Iterable[Contact], now: datetime) -> int:
        """Adds messages of other tools, each once by its name, none older than OTHER_TOOLS_DAYS; how many were new.

        They are facts, no requests: no limit holds them. Raises Contention.
        """
        since = now - timedelta(days=OTHER_TOOLS_DAYS)
        wanted = {one.send: one for one in sent if one.at > since}
        if not wanted:
            return 0
        known = self._read(account_id, customer)
        for _ in range(_ATTEMPTS):
            there = {one.send for one in known.contacts}
            new = [one for name, one in wanted.items() if name not in there]
            if not new:
                return 0
            ours = [one for one in known.contacts if not _of_another_tool(one)]
            others = sorted([*(one for one in known.contacts if _of_another_tool(one)), *new], key=lambda one: one.at)
            entries = sorted([*ours, *others[-OTHER_TOOLS_MOST:]], key=lambda one: one.at)
            overtaken = self._write(account_id, customer, entries, replacing=known.version)
            if overtaken is None:
                return len(new)
            known = overtaken
        raise Contention("a contact list kept changing")

    def add_touches(self, account_id: AccountId, touches: Iterable[Touch], now: datetime) -> int:
        """Adds the messages among the touches, which are in the order of their customers; returns how many were new.

        One that names no channel counts for the overall limits; the web is no channel by which anybody is written to.
        """
        sends = (touch for touch in touches if touch.kind is TouchKind.SENT and touch.channel != TouchChannel.WEB)
        with ThreadPoolExecutor(_THREADS) as pool:
            added = 0
            for some in _batches(groupby(sends, key=lambda touch: touch.customer_key)):
                added += sum(pool.map(lambda told: self.add_others(account_id, told[0], told[1], now), some))
            return added

    def _list(self, account_id: AccountId, customer: CustomerKey) -> ContactList:
        known = self._known.get(customer)
        return self._read(account_id, customer) if known is None else known

    def _read(self, account_id: AccountId, customer: CustomerKey) -> ContactList:
        key = keys.contacts(account_id, customer)
        return ContactList.from_item(self._table.get_item(Key=key, ConsistentRead=True).get("Item"))

    def _write(
        self, account_id: AccountId, customer: CustomerKey, entries: Iterable[Contact], *, replacing: int
    ) -> ContactList | None:
        """None when it was written, else the list that stands there now."""
        item = {
            **keys.contacts(account_id, customer),
            "recent": [_entry(one) for one in entries],
            "version": replacing + 1,
        }
        try:
            self._table.put_item(
                Item=item,
                ConditionExpression="attribute_not_exists(pk)" if replacing == 0 else "version = :version",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeValues": {":version": replacing}} if replacing else {}),
            )
        except ClientError as error:
            return ContactList.from_item(standing_in_the_way(error))
        return None


OTHER_TOOL = "other#"


def other_tool_send(touch_id: str) -> str:
    """Names a message of another tool in a contact list: the same touch, told twice, counts once."""
    return f"{OTHER_TOOL}{touch_id}"


def _batches(
    customers: Iterable[tuple[CustomerKey, Iterable[Touch]]],
) -> Iterator[list[tuple[CustomerKey, list[Contact]]]]:
    """Some customers at a time, so that a file of many is never in memory whole."""
    told = ((customer, [_contact_of(touch) for touch in touches]) for customer, touches in customers)
    while some := list(islice(told, _CUSTOMERS_AT_A_TIME)):
        yield some


def _contact_of(touch: Touch) -> Contact:
    return Contact(touch.at, touch.channel or "", other_tool_send(touch.touch_id))


def _kept(contacts: Iterable[Contact], now: datetime, days: int) -> list[Contact]:
    """Those that some limit may still look at. `days`: the longest window of the account and of the send."""
    since, offers_since = now - timedelta(days=max(days, KEPT_DAYS)), now - timedelta(days=OFFERS_KEPT_DAYS)
    return [one for one in contacts if one.at > since or (one.offer is not None and one.at > offers_since)]


def _of_another_tool(contact: Contact) -> bool:
    return contact.send.startswith(OTHER_TOOL)


def _contact(entry: Mapping[str, Any]) -> Contact:
    return Contact(parse_instant(entry["at"]), entry["channel"], entry["send"], entry.get("offer"))


def _entry(contact: Contact) -> dict[str, str]:
    offer = {"offer": contact.offer} if contact.offer is not None else {}
    return {"at": format_instant(contact.at), "send": contact.send, "channel": contact.channel, **offer}
