"""Statements about a customer who is new, at the same moment: whoever said no is not written to."""

import random
from datetime import timedelta

from local.inprocess.scenario import ACCOUNT, START
from local.inprocess.tables import MemoryTable
from tests.unit.interleaving import Turns
from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.customers import ProfileStore
from winback.customers import Consent, ConsentState, Customer
from winback.instants import format_instant

FILE = [
    Customer(customer_id=f"c{number}", first_name="of the file", email=f"c{number}@example.com") for number in range(8)
]
EMAIL, CALL = ChannelName.EMAIL, ChannelName.CALL
ANN = ACCOUNT.customer_key("ann")


def ann(channel: ChannelName, state: ConsentState, minute: int) -> Customer:
    said = {"state": state.value, "at": format_instant(START + timedelta(minutes=minute))}
    return Customer(customer_id="ann", email="ann@example.com", consent={channel: Consent.model_validate(said)})


def test_of_statements_that_create_a_customer_at_once_the_latest_consent_of_each_channel_stands() -> None:
    statements = [
        ann(EMAIL, ConsentState.GRANTED, 0),
        ann(EMAIL, ConsentState.DENIED, 1),
        ann(CALL, ConsentState.DENIED, 0),
    ]
    for seed in range(40):
        table, turns = MemoryTable("customers"), Turns(random.Random(seed))
        table.database.hook = turns

        def state(number: int, table: MemoryTable = table) -> None:
            one = statements[number]
            ProfileStore(table).upsert(ACCOUNT, [one], received_at=START, statement=f"bat-{number}")

        turns.run([lambda number=number: state(number) for number in range(len(statements))])  # type: ignore[misc]
        profile = table.get_item(Key=keys.profile(ACCOUNT.account_id, ANN))["Item"]
        told = {channel: profile["consent"][channel]["state"] for channel in (EMAIL, CALL)}
        assert told == {EMAIL: ConsentState.DENIED, CALL: ConsentState.DENIED}, seed


def test_a_file_creates_profiles_beside_others_and_overwrites_none_of_them() -> None:
    """Its rows were received a minute before: what was told since stands, and the denial in any case."""
    for seed in range(40):
        table, turns = MemoryTable("customers"), Turns(random.Random(seed))
        table.database.hook = turns
        store = ProfileStore(table)
        told = Customer(customer_id="c3", first_name="told since", email="new@example.com")
        left = ACCOUNT.customer_key("c5")

        def import_file(store: ProfileStore = store) -> None:
            changed = store.upsert(ACCOUNT, FILE, received_at=START - timedelta(minutes=1), statement="imp-1")
            assert [each.customer_id for each in changed] == [each.customer_id for each in FILE]

        turns.run(
            [
                import_file,
                lambda: store.upsert(ACCOUNT, [told], received_at=START, statement="bat-1"),  # noqa: B023
                lambda: store.deny(ACCOUNT.account_id, {(left, EMAIL): START}, unknown_too=True),  # noqa: B023
            ]
        )
        profiles = {
            each.customer_id: table.get_item(
                Key=keys.profile(ACCOUNT.account_id, ACCOUNT.customer_key(each.customer_id))
            )["Item"]
            for each in FILE
        }
        assert profiles["c3"]["first_name"] == "told since", seed
        assert profiles["c5"]["consent"][EMAIL]["state"] == ConsentState.DENIED, seed
        assert [p["first_name"] for p in profiles.values()].count("of the file") == len(FILE) - 1, seed
