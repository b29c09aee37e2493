"""Rendering one message, both parts and the subject, of every shipped template, and asking the gate; no table."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from winback.accounts import FrequencyCaps, QuietHours, SendWindow
from winback.delivery.contacts import Contact
from winback.delivery.gate import Consent, RecipientFacts, SendContext, decide
from winback.delivery.messages import MessageValues, Template, resolve_template, shipped_templates
from winback.delivery.messages.compiler import CompiledTemplate, compile_template
from winback.delivery.unsubscribing import unsubscribe_url
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

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
    templates = {name: resolve_template(name) for name in shipped_templates()}
    compiled = {name: compile_template(template) for name, template in templates.items()}
    rendering = {name: _microseconds(_rendering(one, values), calls // 10) for name, one in compiled.items()}
    compiling = [_microseconds(_compiling(template), 1) for template in templates.values()]
    slowest = max(rendering, key=rendering.__getitem__)
    for what, each in (("median", median(rendering.values())), (slowest, rendering[slowest])):
        print(f"  render {what:16} {each:7.1f} µs a message   ratio to the budget {each / BUDGET:.2f}")
    print(f"  compile                {median(compiling):7.0f} µs, once a launch and step ({len(templates)} templates)")
    text = compile_template(templates["we-miss-you"], "sms")
    print(f"  render a text (SMS)    {_microseconds(_rendering(text, values), calls):7.1f} µs a message")
    facts, context = _facts(), _context()
    print(f"  gate                   {_microseconds(lambda: decide(facts, context, NOW), calls):7.1f} µs a send")
    signing = _microseconds(lambda: unsubscribe_url("https://mail.example.com", "secret", send_id), calls)
    print(f"  unsubscribe link       {signing:7.1f} µs")


def _rendering(compiled: CompiledTemplate, values: MessageValues) -> Callable[[], object]:
    return lambda: compiled.render(values)


def _compiling(template: Template) -> Callable[[], object]:
    return lambda: compile_template(template)


def _microseconds(work: Callable[[], object], calls: int) -> float:
    """Of one call: the median of some rounds' means."""
    means = []
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(calls):
            work()
        means.append((perf_counter() - started) / calls * 1e6)
    return median(means)


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
        assigned_at=NOW - timedelta(days=1),
        held_out=False,
        stop_on_purchase=True,
        caps=FrequencyCaps(),
        quiet_hours=QuietHours(),
        account_zone=ZoneInfo("Europe/Berlin"),
        unknown_zone=SendWindow(),
        planned_at=NOW,
        latest_at=NOW + timedelta(days=30),
    )
