"""Recipients: profile, suppression, activity and contacts of some customers, by batch gets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.contacts import ContactList, contact_name
from winback.aws.tables import Item, batch_get
from winback.delivery.addresses import is_role_address
from winback.delivery.channels import CHANNELS
from winback.delivery.gate import Consent, RecipientFacts
from winback.identifiers import CustomerKey, LaunchId
from winback.instants import parse_instant


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
        with_contacts: bool = True,
        consistent: bool = False,
    ) -> dict[CustomerKey, Recipient]:
        """Every asked customer, also one without a profile.

        `exclude_send` (launch, step) leaves that send itself out of the contacts, so that a repeated check does not
        count its own booking; `contact_list` keeps it. `consistent` reads what was last written (the sender's check
        before the claim).
        """
        wanted = list(dict.fromkeys(customer_keys))
        account_id = account.account_id
        own = batch_get(
            self._customers,
            [key(account_id, customer) for customer in wanted for key in (keys.profile, keys.activity)],
            consistent=consistent,
        )
        profiles = {customer: own.get(_pair(keys.profile(account_id, customer))) for customer in wanted}
        addresses = {customer: _address(profile, channel) for customer, profile in profiles.items()}
        suppressions = {
            customer: keys.suppression(account_id, account.address_hash(address), channel)
            for customer, address in addresses.items()
            if address
        }
        suppressed = batch_get(self._customers, suppressions.values(), consistent=consistent)
        contacts: Mapping[tuple[str, str], Item] = {}
        if with_contacts:
            booked = [keys.contacts(account_id, customer) for customer in wanted]
            contacts = batch_get(self._performance, booked, consistent=consistent)
        excluded = contact_name(*exclude_send) if exclude_send else None
        return {
            customer: _recipient(
                customer,
                profiles[customer],
                channel,
                suppressed=customer in suppressions and _pair(suppressions[customer]) in suppressed,
                activity=own.get(_pair(keys.activity(account_id, customer))),
                contacts=contacts.get(_pair(keys.contacts(account_id, customer))),
                excluded=excluded,
            )
            for customer in wanted
        }

    def refresh(self, account: Account, recipient: Recipient, channel: str) -> Recipient:
        """Profile and suppression as they are at this moment, read in one go; activity and contacts as loaded."""
        customer = recipient.customer_key
        wanted = [keys.profile(account.account_id, customer)]
        if recipient.address:
            wanted.append(keys.suppression(account.account_id, account.address_hash(recipient.address), channel))
        found = batch_get(self._customers, wanted, consistent=True)
        profile = found.get(_pair(wanted[0]))
        if _address(profile, channel) != recipient.address:
            loaded = self.load(account, [customer], channel, with_contacts=False, consistent=True)[customer]
        else:
            suppressed = len(wanted) == 2 and _pair(wanted[1]) in found
            loaded = _recipient(customer, profile, channel, suppressed=suppressed, activity=None, contacts=None)
        known = recipient.facts
        facts = replace(loaded.facts, last_order_at=known.last_order_at, contacts=known.contacts)
        return replace(loaded, facts=facts, contact_list=recipient.contact_list)


def _recipient(
    customer: CustomerKey,
    profile: Item | None,
    channel: str,
    *,
    suppressed: bool,
    activity: Item | None,
    contacts: Item | None,
    excluded: str | None = None,
) -> Recipient:
    known = profile or {}
    address, country = _address(profile, channel), known.get("country")
    last_order_at = (activity or {}).get("last_order_at")
    booked = ContactList.from_item(contacts)
    facts = RecipientFacts(
        customer_key=customer,
        has_profile=profile is not None,
        has_address=bool(address),
        address_valid=address is not None and CHANNELS[ChannelName(channel)].deliverable(address, country) is not None,
        role_address=address is not None and channel == ChannelName.EMAIL and is_role_address(address),
        consent=_consent(profile, channel),
        suppressed=suppressed,
        last_order_at=parse_instant(last_order_at) if last_order_at else None,
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


def _consent(profile: Item | None, channel: str) -> Consent:
    state = ((profile or {}).get("consent") or {}).get(channel, {}).get("state")
    return Consent(state) if state in set(Consent) else Consent.UNKNOWN


def _pair(key: keys.Key) -> tuple[str, str]:
    return key["pk"], key["sk"]
