"""What a dry run says that texts will cost is what their senders then take of the budget, to a hundredth of a cent."""

import random
from decimal import Decimal

from local.inprocess.clock import SimulatedClock
from local.inprocess.engine import Engine
from local.inprocess.scenario import ACCOUNT, MESSAGE, START, campaign, candidates, customer_keys
from winback.accounts.channels import ChannelSettings, SmsSettings
from winback.aws.budgets import Budgets
from winback.aws.launch_files import LaunchFiles

PEOPLE = customer_keys(40)
SMS = SmsSettings(prices={"DE": Decimal("0.0761"), "US": Decimal("0.00581")}, max_price_cents=30)
PAID = ACCOUNT.model_copy(update={"currency": "USD", "channels": ChannelSettings(sms=SMS)})
# A German number of somebody in Norway; another language; a name that takes a second part; Ж, which takes shorter ones.
KINDS = (
    {"phone": "+491701234567", "country": "NO", "first_name": "Ada"},
    {"phone": "+491701234568", "country": "DE", "first_name": "Ada", "locale": "de-DE"},
    {"phone": "+12015550123", "country": "US", "first_name": "A" * 150},
    {"phone": "0612345678", "country": "FR", "first_name": "Жанна"},
)
STEP = {
    "after_days": 0,
    "send_at": "11:30",
    "template": {
        **MESSAGE,
        "sms": "{{ shop.name }} has news for {{ customer.first_name }}. {{ variants.words }} {{ opt_out }}",
        "locales": {"de": {"sms": "{{ shop.name }}: " + "Neues und Altes. " * 20 + "{{ opt_out }}"}},
    },
}
TEST = {"name": "words", "variants": [{"name": "short"}, {"name": "a-much-longer-one"}]}


def test_the_budget_that_a_dry_run_forecasts_is_what_the_senders_count() -> None:
    engine = Engine(PAID, SimulatedClock(START), random.Random(1), chunk_rows=15)
    engine.add_customers((key, {**KINDS[number % 4], "time_zone": "UTC"}) for number, key in enumerate(PEOPLE))
    definition = campaign(
        channels=["sms"], steps=[STEP], experiments=[TEST], holdout={"share": 0}, budget={"spend_minor": 10_000}
    )
    launch = engine.prepare(definition, candidates(PEOPLE))
    forecast = engine.lake.read_json(LaunchFiles(engine.lake, launch).dry_run_key)["cost"]
    engine.run()
    spent = Budgets(engine.campaigns).spent(launch.account_id, launch.launch_id)
    assert forecast["budget"]["spend"]["enough"]
    assert Decimal(forecast["budget"]["spend"]["at_most"]) == Decimal(spent.messages_hundredths) / 10_000 > 5
    countries = forecast["channels"]["sms"]["countries"]
    assert {name: (row["messages"], row["basis"]) for name, row in countries.items()} == {
        "DE": (20, "stated"),
        "US": (10, "stated"),
        "FR": (10, "assumed"),
    }
    assert len(countries["DE"]["messages_by_parts"]) > 1
