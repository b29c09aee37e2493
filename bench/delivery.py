"""Rendering one message, both parts and the subject, of every shipped template, and asking the gate; no table."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median
from time import process_time
from zoneinfo import ZoneInfo

from winback.accounts import FrequencyCaps, QuietHours, SendWindow
from winback.delivery.contacts import Contact
from winback.delivery.gate import Consent, RecipientFacts, SendContext, decide
from winback.delivery.messages import MessageValues, Template, resolve_template, shipped_templates
from winback.delivery.messages.compiler import CompiledTemplate, compile_template
from winback.delivery.messages.values import OfferValues, Utm
from winback.delivery.unsubscribing import unsubscribe_url
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId
from winback.money import Money

CALLS = 5_000
ROUNDS = 5
BUDGET = 200  # microseconds a message
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def run(small: bool) -> None:
    calls = CALLS // 10 if small else CALLS
    send_id = SendId(AccountId("acme"), LaunchId("lau-000000000001"), 1, CustomerKey("0" * 32))
    link = unsubscribe_url("https://mail.example.com", "secret", send_id)
    values = MessageValues(
        shop_name="Fjord Records",
        postal_address="1 Harbour Street, Bergen",
        unsubscribe_url=link,
        shop_url="https://example.com",
        first_name="Ada",
    )
    full = replace(
        values,
        offer=OfferValues("Ten off", Money(1000, "EUR"), "FJ-K7RMXQ2PDA", date(2026, 12, 24)),
        recommendations=tuple(_product(number) for number in range(3)),
        utm=Utm("winback", "email", "come-back"),
    )
    templates = {name: resolve_template(name) for name in shipped_templates()}
    compiled = {name: compile_template(template) for name, template in templates.items()}
    rendering = {name: _microseconds(_rendering(one, values), calls // 10) for name, one in compiled.items()}
    compiling = [_microseconds(_compiling(template), 1) for template in templates.values()]
    slowest = max(rendering, key=rendering.__getitem__)
    offering = median(_microseconds(_rendering(one, full), calls // 10) for one in compiled.values())
    for what, each in (
        ("median", median(rendering.values())),
        (slowest, rendering[slowest]),
        ("offer, 3 products", offering),
    ):
        print(f"  render {what:17} {each:7.1f} µs a message   ratio to the budget {each / BUDGET:.2f}")
    print(f"  compile                {median(compiling):7.0f} µs, once a launch and step ({len(templates)} templates)")
    text = compile_template(templates["we-miss-you"], "sms")
    print(f"  render a text (SMS)    {_microseconds(_rendering(text, values), calls):7.1f} µs a message")
    facts, context = _facts(), _context()
    print(f"  gate                   {_microseconds(lambda: decide(facts, context, NOW), calls):7.1f} µs a send")
    signing = _microseconds(lambda: unsubscribe_url("https://mail.example.com", "secret", send_id), calls)
    print(f"  unsubscribe link       {signing:7.1f} µs")


def _product(number: int) -> dict[str, object]:
    page = f"https://example.com/records/{number}"
    return {"name": f"Record {number}", "url": page, "image_url": f"{page}.jpg", "kind": "repeat", "purchases": 2}


def _rendering(compiled: CompiledTemplate, values: MessageValues) -> Callable[[], object]:
    return lambda: compiled.render(values)


def _compiling(template: Template) -> Callable[[], object]:
    return lambda: compile_template(template)


def _microseconds(work: Callable[[], object], calls: int) -> float:
    """CPU time of one call: the least of some rounds' means, which says least of what else the machine does."""
    means = []
    for _ in range(ROUNDS):
        started = process_time()
        for _ in range(calls):
            work()
        means.append((process_time() - started) / calls * 1e6)
    return min(means)


def _facts() -> RecipientFacts:
    return RecipientFacts(
        CustomerKey("0" * 32),
        has_profile=True,
        has_address=True,
        address_valid=True,
        consent=Consent.GRANTED,
        suppressed=False,
        last_order_at=NOW - timedelta(days=90),
        zone=ZoneInfo("Europe/Lisbon"),
        contacts=tuple(Contact(NOW - timedelta(days=days), "email", f"lau-00000000000{days}#1") for days in (2, 30)),
    )


def _context() -> SendContext:
    return SendContext(
        channel="email",
        chosen_at=NOW - timedelta(days=1),
        held_out=False,
        stop_on_purchase=True,
        caps=FrequencyCaps(),
        quiet_hours=QuietHours(),
        account_zone=ZoneInfo("Europe/Berlin"),
        unknown_zone=SendWindow(),
        planned_at=NOW,
        latest_at=NOW + timedelta(days=30),
    )
