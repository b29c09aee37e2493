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
