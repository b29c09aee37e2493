"""Planning one step: gate, variant and time for each enrolled customer, table and lake access aside."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from winback.accounts import Account, Sender
from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.enrolment import enrol
from winback.campaigns.launch import Launch
from winback.campaigns.planning import ALLOW, ChannelFacts, Planned, Row, plan_step
from winback.delivery.contacts import Contact, ContactPolicy
from winback.delivery.gate import Consent, RecipientFacts
from winback.identifiers import AccountId, CampaignId, CustomerKey, LaunchId, SnapshotId, customer_key

CUSTOMERS = 100_000
CHUNK = 500
ROUNDS = 5
STARTS_AT = datetime(2026, 3, 27, 8, tzinfo=UTC)
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Tokyo")]
ACCOUNT = Account(
    account_id=AccountId("acme"),
    name="Acme",
    currency="EUR",
    time_zone="Europe/Berlin",
    key_salt="0" * 32,
    sender=Sender(name="Acme", email="shop@acme.example.com", postal_address="1 Main Street"),
    public_url="https://mail.example.com",
)
BUDGET = 20_000  # customers a second and core


def run(small: bool) -> None:
    customers = CUSTOMERS // 10 if small else CUSTOMERS
    launch = _launch()
    chunks = [_chunk(start) for start in range(0, customers, CHUNK)]
    reach = [(rows, {customer: list(known.values()) for customer, known in facts.items()}) for rows, facts in chunks]
    audiences = [enrol(launch, rows, facts, GlobalHoldout()) for rows, facts in reach]
    enrolment = _seconds(lambda: [enrol(launch, rows, facts, GlobalHoldout(share=0.1)) for rows, facts in reach])
    plans: list[list[Row]] = []
    known = Planned(policies={"Slipping VIPs": ContactPolicy(at_most=4, days=30)})

    def plan() -> None:
        plans[:] = [
            plan_step(launch, 1, audience, facts, account=ACCOUNT, known=known)
            for audience, (_, facts) in zip(audiences, chunks, strict=True)
        ]

    planning = _seconds(plan)
    allowed = sum(row["verdict"] == ALLOW for rows in plans for row in rows)
    print(f"enrolling {customers:,} customers: {customers / enrolment:,.0f} customers/s")
    print(f"planning  {customers:,} customers: {customers / planning:,.0f} customers/s ({allowed:,} allowed)")
    print(f"ratio to the budget of {BUDGET:,} customers/s: {customers / planning / BUDGET:.1f}")


def _seconds(work: Callable[[], object]) -> float:
    """Median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return median(times)


def _launch() -> Launch:
    definition = CampaignDefinition.model_validate(
        {
            "name": "Come back",
            "audience": {"families": ["Slipping"]},
            "steps": [{"template": "we-miss-you", "after_days": 0, "send_at": "09:30"}],
        }
    )
    return Launch.prepare(
        AccountId("acme"),
        LaunchId("lau-000000000001"),
        CampaignId("cmp-000000000001"),
        definition,
        SnapshotId("snp-000000000001"),
        prefix="launches/account=acme/lau-000000000001/",
        starts_at=STARTS_AT,
        now=STARTS_AT,
        zone=ZoneInfo("Europe/Berlin"),
    )


def _chunk(start: int) -> tuple[list[Row], dict[CustomerKey, ChannelFacts]]:
    """Some without consent, some suppressed, some with recent contacts, some who bought meanwhile."""
    facts: dict[CustomerKey, ChannelFacts] = {}
    for number in range(start, start + CHUNK):
        key = customer_key("0" * 32, str(number))
        on_email = RecipientFacts(
            key,
            has_profile=True,
            has_address=True,
            address_valid=True,
            consent=Consent.DENIED if number % 10 == 0 else Consent.GRANTED,
            suppressed=number % 50 == 1,
            last_order_at=STARTS_AT + timedelta(hours=1) if number % 20 == 2 else None,
            zone=ZONES[number % 5] if number % 5 < len(ZONES) else None,
            contacts=tuple(
                Contact(STARTS_AT - timedelta(days=day), "email", f"lau-{day:012x}#1")
                for day in range(1, 1 + number % 4)
            ),
        )
        facts[key] = {"email": on_email}
    place = {"segment": "Slipping VIPs", "family": "Slipping", "value_tier": "VIP", "status": "At Risk", "lapsed": True}
    return [{"customer_key": key, **place} for key in facts], facts
