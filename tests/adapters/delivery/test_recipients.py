"""Recipients are read with everything that the gate asks for."""

from datetime import timedelta
from typing import Any

import pytest

from tests.adapters.delivery.conftest import NOW, Tables
from winback.accounts import Account, FrequencyCap
from winback.aws import keys
from winback.aws.contacts import ContactBook
from winback.aws.recipients import RecipientStore
from winback.aws.suppressions import SuppressionList, SuppressionReason
from winback.delivery.contacts import Contact, ContactLimits
from winback.delivery.gate import Consent, eligibility
from winback.fields import LEEWAY
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId
from winback.instants import format_instant

ADA, BEN = CustomerKey("a" * 32), CustomerKey("b" * 32)
LAUNCH = LaunchId("lau-000000000001")
LIMITS = ContactLimits(channel=FrequencyCap(sends=2, days=7), overall=FrequencyCap(sends=3, days=7))


def send_id(customer: CustomerKey = ADA, step: int = 1, launch: LaunchId = LAUNCH) -> SendId:
    return SendId(AccountId("fjord"), launch, step, customer)


@pytest.fixture
def store(tables: Tables) -> RecipientStore:
    return RecipientStore(tables.customers, tables.performance)


def test_a_known_customer_has_facts_and_what_a_message_needs(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    tables.add_customer(account, ADA, email="ada@example.com", first_name="Ada")
    tables.customers.put_item(Item={**keys.activity(account.account_id, ADA), "last_order_at": format_instant(NOW)})
    ada = store.load(account, [ADA], "email")[ADA]
    assert (ada.address, ada.first_name, ada.last_name) == ("ada@example.com", "Ada", None)
    assert eligibility(ada.facts).allowed
    assert ada.facts.last_order_at == NOW


def test_a_customer_without_a_profile_is_there_and_may_not_be_contacted(
    store: RecipientStore, account: Account
) -> None:
    ben = store.load(account, [BEN], "email")[BEN]
    assert not ben.facts.has_profile
    assert not eligibility(ben.facts).allowed


@pytest.mark.parametrize(
    ("consent", "expected"), [({}, Consent.UNKNOWN), ({"email": {"state": "denied"}}, Consent.DENIED)]
)
def test_consent_is_per_channel_and_unknown_unless_said(
    store: RecipientStore, tables: Tables, account: Account, consent: dict[str, Any], expected: Consent
) -> None:
    tables.add_customer(account, ADA, email="ada@example.com", consent=consent)
    assert store.load(account, [ADA], "email")[ADA].facts.consent is expected


def test_a_suppressed_address_is_found_however_it_is_written(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    tables.add_customer(account, ADA, email="Ada@Example.com")
    SuppressionList(tables.customers).add(
        account, " ada@example.com", "email", SuppressionReason.COMPLAINT, at=NOW, send_id=send_id()
    )
    assert store.load(account, [ADA], "email")[ADA].facts.suppressed


@pytest.mark.parametrize("channel", ["sms", "call"])
def test_a_number_that_a_carrier_or_an_answer_names_is_found_however_the_store_writes_it(
    store: RecipientStore, tables: Tables, account: Account, channel: str
) -> None:
    tables.add_customer(account, ADA, phone="+49015123456789")  # +49 (0)151 23456789
    SuppressionList(tables.customers).add(
        account, "+4915123456789", channel, SuppressionReason.UNSUBSCRIBE, at=NOW, send_id=send_id()
    )
    loaded = store.load(account, [ADA], channel)[ADA]
    assert loaded.facts.suppressed
    assert store.refresh(account, loaded, channel).facts.suppressed


def test_a_send_does_not_count_its_own_contact(store: RecipientStore, tables: Tables, account: Account) -> None:
    book = ContactBook(tables.performance)
    for step in (1, 2):
        book.book(send_id(step=step), "email", now=NOW, limits=LIMITS)
    assert len(store.load(account, [ADA], "email")[ADA].facts.contacts) == 2
    (first,) = store.load(account, [ADA], "email", exclude_send=(LAUNCH, 2))[ADA].facts.contacts
    assert first == Contact(NOW, "email", f"{LAUNCH}#1")


def test_a_refresh_sees_an_unsubscribe_of_this_moment(store: RecipientStore, tables: Tables, account: Account) -> None:
    tables.add_customer(account, ADA, email="ada@example.com")
    ada = store.load(account, [ADA], "email")[ADA]
    SuppressionList(tables.customers).unsubscribe(account, ADA, "email", at=NOW, send_id=send_id())
    facts = store.refresh(account, ada, "email").facts
    assert (facts.consent, facts.suppressed) == (Consent.DENIED, True)


def test_where_suppressions_are_left_out_an_address_counts_as_suppressed_until_it_is_refreshed(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    tables.add_customer(account, ADA, email="ada@example.com")
    ada = store.load(account, [ADA], "email", with_suppressions=False)[ADA]
    assert ada.facts.suppressed
    assert not store.refresh(account, ada, "email").facts.suppressed


def test_a_refresh_follows_a_changed_address(store: RecipientStore, tables: Tables, account: Account) -> None:
    tables.add_customer(account, ADA, email="ada@example.com")
    ada = store.load(account, [ADA], "email")[ADA]
    tables.add_customer(account, ADA, email="new@example.com")
    SuppressionList(tables.customers).add(
        account,
        "new@example.com",
        "email",
        SuppressionReason.HARD_BOUNCE,
        at=NOW - timedelta(days=1),
        send_id=send_id(),
    )
    refreshed = store.refresh(account, ada, "email")
    assert refreshed.address == "new@example.com"
    assert refreshed.facts.suppressed


def test_more_customers_than_one_batch_holds_are_all_read(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    customers = [CustomerKey(f"{number:032x}") for number in range(130)]
    for customer in customers:
        tables.add_customer(account, customer, email=f"{customer}@example.com")
    loaded = store.load(account, customers, "email")
    assert all(eligibility(loaded[customer].facts).allowed for customer in customers)


def test_an_unsubscribe_works_for_a_profile_without_consent_and_for_nobody(tables: Tables, account: Account) -> None:
    suppressions = SuppressionList(tables.customers)
    tables.customers.put_item(Item={**keys.profile(account.account_id, ADA), "email": "ada@example.com"})
    assert suppressions.unsubscribe(account, ADA, "email", at=NOW, send_id=send_id())
    assert suppressions.unsubscribe(account, ADA, "email", at=NOW, send_id=send_id())
    assert not suppressions.unsubscribe(account, BEN, "email", at=NOW, send_id=send_id(BEN))
    assert "Item" not in tables.customers.get_item(Key=keys.profile(account.account_id, BEN))


SIGNED_UP = {"email": {"state": "granted", "at": format_instant(NOW + timedelta(days=2)), "source": "form"}}


@pytest.mark.parametrize(
    ("reasons", "consent", "suppressed"),
    [
        (["unsubscribe"], SIGNED_UP, False),
        (["unsubscribe"], {"email": {"state": "granted", "at": format_instant(NOW + LEEWAY)}}, True),
        (["unsubscribe"], {"email": {**SIGNED_UP["email"], "undated": True}}, True),
        (["unsubscribe", "unsubscribe"], SIGNED_UP, True),
        (["complaint"], SIGNED_UP, True),
        (["unsubscribe", "hard_bounce"], SIGNED_UP, True),
        (["erasure", "unsubscribe"], SIGNED_UP, True),
    ],
)
def test_an_unsubscribe_yields_to_signing_up_again_later_and_no_other_suppression_does(
    tables: Tables, account: Account, reasons: list[str], consent: dict[str, Any], *, suppressed: bool
) -> None:
    """Each reason three days after the one before: the second one after the consent. Which consent an unsubscribe
    ended is not known of an address alone, and a store's clock may be a day ahead."""
    store = RecipientStore(tables.customers, tables.performance)
    tables.add_customer(account, ADA, email="ada@example.com", consent=consent)
    for number, reason in enumerate(reasons):
        at = NOW + timedelta(days=3 * number)
        SuppressionList(tables.customers).add(account, "ada@example.com", "email", SuppressionReason(reason), at=at)
    loaded = store.load(account, [ADA], "email")[ADA]
    before = store.load(account, [ADA], "email", with_suppressions=False)[ADA]
    assert before.facts.suppressed
    for facts in (loaded.facts, store.refresh(account, before, "email").facts):
        assert facts.suppressed is suppressed
        assert facts.left_at == (None if suppressed else NOW + LEEWAY), "what was under way then is over"


def test_who_leaves_a_launch_by_its_mail_has_left_it_also_where_a_consent_lifted_an_older_unsubscribe_from_texts(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    long_ago = NOW - timedelta(days=300)
    SuppressionList(tables.customers).add(
        account, "+4915123456789", "sms", SuppressionReason.UNSUBSCRIBE, at=long_ago, send_id=send_id()
    )
    tables.add_customer(account, ADA, phone="+4915123456789", consent={"sms": SIGNED_UP["email"]})
    tables.performance.put_item(Item={**keys.send(send_id()), "unsubscribed_at": format_instant(NOW)})
    ada = store.load(account, [ADA], "sms", reactions=(LAUNCH, [1]))[ADA]
    for facts in (ada.facts, store.refresh(account, ada, "sms").facts):
        assert (facts.suppressed, facts.left_at) == (False, NOW)


def test_an_unsubscribe_outlasts_the_consent_that_it_ends_however_that_is_dated(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    tables.add_customer(account, ADA, email="ada@example.com", consent=SIGNED_UP)
    SuppressionList(tables.customers).unsubscribe(account, ADA, "email", at=NOW, send_id=send_id())
    tables.add_customer(account, ADA, email="ada@example.com", consent=SIGNED_UP)
    assert store.load(account, [ADA], "email")[ADA].facts.suppressed
    again = {"email": {**SIGNED_UP["email"], "at": format_instant(NOW + timedelta(days=2, minutes=1))}}
    tables.add_customer(account, ADA, email="ada@example.com", consent=again)
    assert not store.load(account, [ADA], "email")[ADA].facts.suppressed


def test_who_wants_no_calls_is_not_called_again_whatever_the_store_says(
    store: RecipientStore, tables: Tables, account: Account
) -> None:
    tables.add_customer(account, ADA, phone="+4915123456789", consent={"call": SIGNED_UP["email"]})
    SuppressionList(tables.customers).add(
        account, "+4915123456789", "call", SuppressionReason.UNSUBSCRIBE, at=NOW, send_id=send_id()
    )
    assert store.load(account, [ADA], "call")[ADA].facts.suppressed


def test_the_first_reason_of_a_suppression_stays(tables: Tables, account: Account) -> None:
    suppressions = SuppressionList(tables.customers)
    address = "ada@example.com"
    assert suppressions.add(account, address, "email", SuppressionReason.COMPLAINT, at=NOW, send_id=send_id())
    assert not suppressions.add(account, address, "email", SuppressionReason.UNSUBSCRIBE, at=NOW, send_id=send_id())
    key = keys.suppression(account.account_id, account.address_hash(address), "email")
    assert tables.customers.get_item(Key=key)["Item"]["reason"] == "complaint"
