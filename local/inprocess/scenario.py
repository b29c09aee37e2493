"""A shop, its customers and its campaign of two steps, for benchmarks and tests. Nothing of it is anybody's."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.inprocess.clock import SimulatedClock
from local.inprocess.engine import Engine
from winback.accounts import Account, Sender
from winback.aws.code_pools import CodePools
from winback.aws.lake import Row
from winback.aws.launch_files import LaunchFiles
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId, CustomerKey
from winback.instants import format_instant
from winback.offers.offer import Offer

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday, four weeks before the clocks change in Europe
ACCOUNT = Account(
    account_id=AccountId("acme"),
    name="Acme",
    currency="EUR",
    time_zone="Europe/Berlin",
    key_salt="0" * 32,
    sender=Sender(name="Acme", email="hello@acme.example", postal_address="1 Harbour Street, Bergen"),
    public_url="https://mail.acme.example",
    website="https://acme.example",
)
ZONES: tuple[Mapping[str, str], ...] = (
    {"time_zone": "Europe/Berlin"},
    {"time_zone": "America/New_York"},
    {"time_zone": "Pacific/Auckland"},
    {},
)
MESSAGE = {
    "subject": "Come back, {{ customer.first_name }}",
    "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>{{ shop.name }} has news for you.</mj-text>"
    "<mj-text>{{ shop.postal_address }} <a href='{{ unsubscribe_url }}'>Unsubscribe</a></mj-text>"
    "</mj-column></mj-section></mj-body></mjml>",
    "text": "{{ shop.name }} has news for you.\n{{ shop.postal_address }}\nUnsubscribe: {{ unsubscribe_url }}",
}
OFFER = Offer.model_validate(
    {
        "offer_id": "off-000000000001",
        "name": "Ten off",
        "kind": "amount",
        "value": 1000,
        "currency": "EUR",
        "minimum_order_minor": 5000,
        "codes": "pool",
        "created_at": format_instant(START),
        "updated_at": format_instant(START),
    }
)
_PLACE = {"segment": "Slipping VIPs", "family": "Slipping", "value_tier": "VIP", "status": "At Risk", "lapsed": True}


def customer_keys(count: int, account: Account = ACCOUNT, first: int = 0) -> list[CustomerKey]:
    """In order, as the chunks of a launch have them."""
    return sorted(account.customer_key(str(number)) for number in range(first, first + count))


def profiles(
    keys: Iterable[CustomerKey], zones: Sequence[Mapping[str, str]] = ZONES
) -> Iterator[tuple[CustomerKey, Mapping[str, Any]]]:
    """Each with an address, in turn in one of the zones, of which one may be none that is known."""
    for number, key in enumerate(keys):
        yield key, {"email": f"c{number}@example.com", "first_name": "Ada", **zones[number % len(zones)]}


def candidates(keys: Iterable[CustomerKey]) -> Iterator[Row]:
    for key in keys:
        yield {"customer_key": key, **_PLACE}


def campaign(*, steps: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> CampaignDefinition:
    """Two e-mails three days apart, and a tenth held out, where nothing else is asked for."""
    two = [{"template": MESSAGE, "after_days": days, "send_at": "09:30"} for days in (0, 3)]
    return CampaignDefinition.model_validate(
        {
            "name": "Come back",
            "audience": {"families": ["Slipping"]},
            "holdout": {"share": 0.1},
            "steps": list(steps or two),
            **changes,
        }
    )


def give_offer(engine: Engine, launch: Launch, keys: Sequence[CustomerKey]) -> None:
    """Everybody of the launch's one chunk gets the offer, as the choice of offers writes it down."""
    worth = {"propensity": 1.0, "cost_minor": 1000, "spend_minor": 1000, "currency": "EUR"}
    rows = [{"customer_key": key, "arm": "treatment", "offer_id": OFFER.offer_id, **worth} for key in keys]
    engine.unmet_lake.write_rows(LaunchFiles(engine.unmet_lake, launch).offers_key(0), rows)


def import_codes(engine: Engine, count: int) -> list[str]:
    codes = [f"CODE-{number:06d}" for number in range(count)]
    CodePools(engine.campaigns).add(engine.account.account_id, OFFER, codes)
    return codes


def shop(keys: Iterable[CustomerKey], *, account: Account = ACCOUNT, seed: int = 1, **settings: Any) -> Engine:
    """An engine whose account has these customers."""
    engine = Engine(account, SimulatedClock(START), random.Random(seed), **settings)
    engine.add_customers(profiles(keys))
    return engine
