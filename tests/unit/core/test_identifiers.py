import hashlib

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.addresses import deliverable_form
from winback.identifiers import SendId, address_hash, customer_key, new_id, salted_hash

SALT = "0123456789abcdef0123456789abcdef"
send_ids = st.builds(
    SendId,
    account_id=st.from_regex(r"[a-z0-9][a-z0-9-]{1,29}", fullmatch=True),
    launch_id=st.from_regex(r"lau-[0-9a-f]{12}", fullmatch=True),
    step=st.integers(1, 999),
    customer_key=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
)


@given(send_ids)
def test_a_send_id_survives_its_text(send_id: SendId) -> None:
    assert SendId.parse(str(send_id)) == send_id


@given(send_ids)
def test_a_send_id_fits_a_message_tag(send_id: SendId) -> None:
    assert len(str(send_id)) <= 256
    assert set(str(send_id)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize(
    "text", ["", "a_b_c_d", "acme_lau-0123456789ab_0_" + "0" * 32, "acme_lau-0123456789ab_1_" + "0" * 33]
)
def test_what_is_not_a_send_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a send id"):
        SendId.parse(text)


@given(st.text(min_size=1, max_size=128).filter(lambda text: "\0" not in text))
def test_sql_and_python_derive_the_same_customer_key(customer_id: str) -> None:
    try:
        customer_id.encode()
    except UnicodeEncodeError:
        return
    with duckdb.connect() as connection:
        rows = connection.execute("select substr(sha256($1 || ':' || $2), 1, 32)", [SALT, customer_id]).fetchall()
    assert rows == [(customer_key(SALT, customer_id),)]


def test_a_customer_key_does_not_show_the_customer_without_the_salt() -> None:
    unsalted = hashlib.sha256(b"ann@example.com").hexdigest()[:32]
    assert customer_key(SALT, "ann@example.com") != unsalted
    assert customer_key(SALT, "ann@example.com") != customer_key("f" * 32, "ann@example.com")


def test_an_address_is_the_same_in_any_case_and_differs_from_a_customer_id() -> None:
    assert address_hash(SALT, " Ann@Example.com ") == address_hash(SALT, "ann@example.com")
    assert address_hash(SALT, "ann@example.com") != customer_key(SALT, "ann@example.com")


@pytest.mark.parametrize(
    "written", ["ann@bücher.de", " Ann@BÜCHER.de", "ann@bu\u0308cher.de", "ann@bücher。de", "ann@XN--BCHER-KVA.de"]
)
def test_the_hash_of_an_address_is_that_of_the_form_that_the_provider_reports(written: str) -> None:
    assert address_hash(SALT, written) == address_hash(SALT, "ann@xn--bcher-kva.de")


@pytest.mark.parametrize("address", ["ann@exa_ü mple.com", "ann@-ü-.de", "ann@" + "ü" * 80 + ".de", "ü", "@", ""])
def test_an_address_whose_domain_cannot_be_encoded_is_hashed_as_it_is(address: str) -> None:
    assert address_hash(SALT, address) == salted_hash(SALT, "@" + address)


@given(st.emails())
def test_the_hash_of_an_ascii_address_is_over_its_lower_case(address: str) -> None:
    assert address_hash(SALT, address) == salted_hash(SALT, "@" + address.lower())


@given(st.text(alphabet="aäßçéøж漢ẞİ", min_size=1, max_size=10).map(lambda name: f"ann@{name}.com"))
def test_what_is_sent_to_and_what_is_known_have_one_hash(address: str) -> None:
    sent_to = deliverable_form(address)
    assert sent_to is None or address_hash(SALT, sent_to) == address_hash(SALT, address)


def test_new_ids_differ() -> None:
    assert len({new_id("lau") for _ in range(1000)}) == 1000
