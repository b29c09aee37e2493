"""Recipients: profile, suppression, activity and contacts of some customers, by batch gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.contacts import ContactList
from winback.aws.suppressions import stands
from winback.aws.tables import Item, batch_get
from winback.delivery.addresses import is_role_address
from winback.delivery.channels import CHANNELS
from winback.delivery.contacts import contact_name
from winback.delivery.gate import Consent, RecipientFacts
from winback.delivery.ledger import engaged_at, left_at
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId
from winback.instants import parse_instant

_NOT_READ: Item = {"reason": "not read"}


@dataclass(frozen=True)
class Recipient:
    """One customer as a message needs it. `address` is None when the profile has none."""

    facts: RecipientFacts
    contact_list: ContactList
    address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    time_zone: str | None = None
    country: str | None = None
    locale: str | None = None

    @property
    def customer_key(self) -> CustomerKey:
        return self.facts.customer_key


@dataclass(frozen=True)
class _Reacted:
    """To one or several messages of a launch."""

    engaged_at: datetime | None = None
    left_at: datetime | None = None

    def first(self, row: Item) -> "_Reacted":
        """The earlier of what was known and what a ledger row says."""
        return _Reacted(_earlier(self.engaged_at, engaged_at(row)), _earlier(self.left_at, left_at(row)))


class RecipientStore:
    """Reads of the customers and performance tables; two round trips per hundred customers, contacts one more."""

    def __init__(self, customers_table: Any, performance_table: Any = None) -> None:
        self._customers = customers_table
        self._performance = performance_table

    def load(
        self,
        account: Account,
        customer_keys: Iterable[CustomerKey],
        channel: str,
        *,
        exclude_send: tuple[LaunchId, int] | None = None,
        reactions: tuple[LaunchId, Sequence[int]] | None = None,
        with_contacts: bool = True,
        with_suppressions: bool = True,
        consistent: bool = False,
    ) -> dict[CustomerKey, Recipient]:
        """Every asked customer, also one without a profile, on one channel; see `load_channels`."""
        loaded = self.load_channels(
            account,
            customer_keys,
            [channel],
            exclude_send=exclude_send,
            reactions=reactions,
            with_contacts=with_contacts,
            with_suppressions=with_suppressions,
            consistent=consistent,
        )
        return {customer: recipients[channel] for customer, recipients in loaded.items()}

    def load_channels(
        self,
        account: Account,
        customer_keys: Iterable[CustomerKey],
        channels: Sequence[str],
        *,
        exclude_send: tuple[LaunchId, int] | None = None,
        reactions: tuple[LaunchId, Sequence[int]] | None = None,
        with_contacts: bool = True,
        with_suppressions: bool = True,
        consistent: bool = False,
    ) -> dict[CustomerKey, dict[str, Recipient]]:
        """Every asked customer on every channel. What does not hang on the channel is read once.

        `exclude_send` (launch, step) leaves that send itself out of the contacts, so that a repeated check does not
        count its own booking; `contact_list` keeps it. `reactions` (launch, steps) reads when the customer first
        engaged with one of these, or left by one. Without `with_suppressions` every address counts as suppressed until
        `refresh` reads what is there. `consistent` reads what was last written (the sender's check before
        the claim).
        """
        wanted = list(dict.fromkeys(customer_keys))
        account_id = account.account_id
        own = batch_get(
            self._customers,
            [key(account_id, customer) for customer in wanted for key in (keys.profile, keys.activity)],
            consistent=consistent,
        )
        profiles = {customer: own.get(keys.pair(keys.profile(account_id, customer))) for customer in wanted}
        suppressions = {
            (customer, channel): keys.suppression(account_id, account.address_hash(address), channel)
            for customer, profile in profiles.items()
            for channel in channels
            if (address := _address(profile, channel))
        }
        listed: Mapping[tuple[str, str], Item] = {keys.pair(key): _NOT_READ for key in suppressions.values()}
        if with_suppressions:
            listed = batch_get(self._customers, suppressions.values(), consistent=consistent)
        contacts: Mapping[tuple[str, str], Item] = {}
        if with_contacts:
            booked = [keys.contacts(account_id, customer) for customer in wanted]
            contacts = batch_get(self._performance, booked, consistent=consistent)
        reacted = self._reactions(account_id, wanted, *reactions) if reactions else {}
        excluded = contact_name(*exclude_send) if exclude_send else None
        return {
            customer: {
                channel: _recipient(
                    customer,
                    profiles[customer],
                    channel,
                    suppression=listed.get(keys.pair(suppressions[customer, channel]))
                    if (customer, channel) in suppressions
                    else None,
                    activity=own.get(keys.pair(keys.activity(account_id, customer))),
                    contacts=contacts.get(keys.pair(keys.contacts(account_id, customer))),
                    excluded=excluded,
                    reacted=reacted.get(customer, _Reacted()),
                )
                for channel in channels
            }
            for customer in wanted
        }

    def _reactions(
        self, account_id: AccountId, customers: Sequence[CustomerKey], launch_id: LaunchId, steps: Sequence[int]
    ) -> dict[CustomerKey, _Reacted]:
        """Who opened or clicked a message of the steps, not by machine, or left by one, and when first."""
        sends = [SendId(account_id, launch_id, step, customer) for customer in customers for step in steps]
        rows = batch_get(self._performance, [keys.send(send_id) for send_id in sends])
        found: dict[CustomerKey, _Reacted] = {}
        for send_id in sends:
            if row := rows.get(keys.pair(keys.send(send_id))):
                found[send_id.customer_key] = found.get(send_id.customer_key, _Reacted()).first(row)
        return found

    def refresh(self, account: Account, recipient: Recipient, channel: str) -> Recipient:
        """Profile and suppression as they are at this moment, read in one go; activity and contacts as loaded."""
        customer = recipient.customer_key
        wanted = [keys.profile(account.account_id, customer)]
        if recipient.address:
            wanted.append(keys.suppression(account.account_id, account.address_hash(recipient.address), channel))
        found = batch_get(self._customers, wanted, consistent=True)
        profile = found.get(keys.pair(wanted[0]))
        if _address(profile, channel) != recipient.address:
            loaded = self.load(account, [customer], channel, with_contacts=False, consistent=True)[customer]
        else:
            suppression = found.get(keys.pair(wanted[1])) if len(wanted) == 2 else None
            loaded = _recipient(customer, profile, channel, suppression=suppression, activity=None, contacts=None)
        known = recipient.facts
        facts = replace(
            loaded.facts,
            last_order_at=known.last_order_at,
            contacts=known.contacts,
            engaged_at=known.engaged_at,
            left_at=_later(known.left_at, loaded.facts.left_at),
        )
        return replace(loaded, facts=facts, contact_list=recipient.contact_list)


def _recipient(
    customer: CustomerKey,
    profile: Item | None,
    channel: str,
    *,
    suppression: Item | None,
    activity: Item | None,
    contacts: Item | None,
    excluded: str | None = None,
    reacted: _Reacted = _Reacted(),
) -> Recipient:
    known = profile or {}
    address, country = _address(profile, channel), known.get("country")
    last_order_at = (activity or {}).get("last_order_at")
    booked = ContactList.from_item(contacts)
    suppressed = stands(suppression, profile, channel)
    lifted_of = parse_instant(suppression["at"]) if suppression is not None and not suppressed else None
    facts = RecipientFacts(
        customer_key=customer,
        has_profile=profile is not None,
        has_address=bool(address),
        address_valid=address is not None and CHANNELS[ChannelName(channel)].deliverable(address, country) is not None,
        role_address=address is not None and channel == ChannelName.EMAIL and is_role_address(address),
        consent=_consent(profile, channel),
        suppressed=suppressed,
        last_order_at=parse_instant(last_order_at) if last_order_at else None,
        engaged_at=reacted.engaged_at,
        left_at=_later(reacted.left_at, lifted_of),
        open_cases=frozenset(known.get("open_cases", ())),
        zone=_zone(known.get("time_zone")),
        contacts=booked.without(excluded),
    )
    return Recipient(
        facts=facts,
        contact_list=booked,
        address=address,
        **{name: known.get(name) for name in ("first_name", "last_name", "time_zone", "country", "locale")},
    )


def _address(profile: Item | None, channel: str) -> str | None:
    return CHANNELS[ChannelName(channel)].address(profile) if profile is not None else None


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> ZoneInfo | None:
    """None also for a zone that this machine's zone data no longer has: then it is not known."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Of two ways out: an old one that a consent lifted must not hide that the customer left this very launch."""
    return max((at for at in (one, other) if at is not None), default=None)


def _consent(profile: Item | None, channel: str) -> Consent:
    state = ((profile or {}).get("consent") or {}).get(channel, {}).get("state")
    return Consent(state) if state in set(Consent) else Consent.UNKNOWN
