"""The ledger's rows as touches: whatever the stream repeats, splits or delays, the same touches come out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.ledger import EventKind, FeedbackEvent, apply
from winback.engagement.export import Export, exports
from winback.engagement.sends import MalformedRow, SendTouches, touches_of_send
from winback.engagement.touches import Touch, TouchKind, earliest

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
TOLD = tuple(
    kind
    for kind in EventKind
    if kind.name in {"SENT", "DELIVERED", "OPENED", "MACHINE_OPENED", "CLICKED", "BOT_CLICKED", "UNSUBSCRIBED"}
)


def row(account: str = "acme", customer: int = 1, **attributes: Any) -> dict[str, Any]:
    keys = {"pk": f"{account}#{customer:032x}", "sk": "send#lau-0123456789ab#1"}
    return {**keys, "state": "accepted", "channel": "email", **attributes}


def read(told: dict[str, Any]) -> SendTouches:
    found = touches_of_send(told)
    assert found is not None
    return found


def test_each_instant_of_a_send_is_a_touch_and_machines_are_labelled() -> None:
    told: dict[str, Any] = {kind.value: f"2026-11-21T09:0{minute}:00Z" for minute, kind in enumerate(TOLD)}
    found = read(row(**told, bounced_at="2026-11-21T10:00:00Z", accepted_at="2026-11-21T08:00:00Z")).touches
    assert [(touch.kind.value, touch.by_machine, touch.at.minute) for touch in found] == [
        ("sent", False, 0),
        ("delivered", False, 1),
        ("opened", False, 2),
        ("opened", True, 3),
        ("clicked", False, 4),
        ("clicked", True, 5),
        ("unsubscribed", False, 6),
    ]
    assert len({touch.touch_id for touch in found}) == len(found)
    assert {touch.channel for touch in found} == {"email"}
    assert {touch.customer_key for touch in found} == {f"{1:032x}"}


def test_a_touch_id_tells_nothing_of_the_send() -> None:
    (touch,) = read(row(sent_at="2026-11-21T09:00:00Z")).touches
    assert touch.customer_key not in touch.touch_id
    assert touch.touch_id != read(row(customer=2, sent_at="2026-11-21T09:00:00Z")).touches[0].touch_id


def test_other_rows_of_the_table_are_no_sends() -> None:
    assert touches_of_send({"pk": f"acme#{1:032x}", "sk": "contacts", "recent": [], "version": 1}) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"pk": "acme", "sk": "send#lau-0123456789ab#1"},
        {"pk": f"acme#{1:032x}", "sk": "send#lau-x#1"},
        {"sk": "send#lau-0123456789ab#1"},
        row(sent_at="yesterday"),
        row(opened_at=7),
    ],
)
def test_a_row_that_nothing_of_ours_writes_is_refused_without_its_values(broken: dict[str, Any]) -> None:
    with pytest.raises(MalformedRow) as refused:
        touches_of_send(broken)
    assert not any(str(value) in str(refused.value) for value in broken.values() if value != "email")


def test_accounts_go_to_separate_objects_named_by_their_content() -> None:
    told = [read(row(account, sent_at="2026-11-21T09:00:00Z")) for account in ("acme", "other", "acme")]
    first, second = exports(told)
    assert (first.account_id, second.account_id) == ("acme", "other")
    assert len(first.touches) == 1
    assert first.name != second.name
    assert first.name.startswith("exp-")


def test_a_send_that_has_no_instant_yet_makes_no_object() -> None:
    assert exports([read(row(claimed_at="2026-11-21T09:00:00Z"))]) == []


def test_an_object_lies_under_the_date_of_its_latest_touch() -> None:
    (found,) = exports([read(row(sent_at="2026-11-20T23:59:00Z", opened_at="2026-11-21T00:01:00Z"))])
    assert found.received == "2026-11-21"


events = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(TOLD), st.integers(0, 9).map(lambda n: START + timedelta(minutes=n))),
    max_size=12,
)


@given(events, st.data())
def test_any_order_and_repetition_of_stream_batches_gives_the_same_touches(
    told: list[tuple[int, EventKind, datetime]], data: st.DataObject
) -> None:
    """The stream has each row as it was after each change; Lambda may repeat, split and join its batches."""
    images, ledger = [], {customer: row(customer=customer) for customer in (1, 2, 3)}
    for customer, kind, at in told:
        ledger[customer] = apply(ledger[customer], FeedbackEvent(kind, at))
        images.append(ledger[customer])
    once = exports(map(read, images))

    repeated = data.draw(
        st.permutations(images + data.draw(st.lists(st.sampled_from(images), max_size=5)) if images else [])
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(repeated)), max_size=4)))
    batches = [repeated[start:end] for start, end in zip([0, *cuts], [*cuts, len(repeated)], strict=True)]
    written: dict[str, Export] = {}
    for batch in batches:
        for export in exports(map(read, batch)):
            assert written.setdefault(export.name, export) == export

    def all_touches(found: Any) -> list[Touch]:
        return earliest(touch for export in found for touch in export.touches)

    assert all_touches(written.values()) == all_touches(once)
    last = exports(map(read, ledger.values()))
    assert all_touches(once) == all_touches(last), "the rows as they stand at the end tell all of it"


def test_of_a_touch_the_earliest_counts() -> None:
    def touch(minute: int) -> Touch:
        return Touch(
            read(row()).send_id.customer_key, TouchKind.OPENED, "email", START + timedelta(minutes=minute), "t"
        )

    assert earliest([touch(3), touch(1), touch(2)]) == [touch(1)]


def test_answers_to_a_send_whose_hour_was_drawn_carry_the_inverse_of_its_propensity() -> None:
    told = {"sent_at": "2026-11-21T09:00:00Z", "opened_at": "2026-11-21T09:05:00Z"}
    sent, opened = read(row(**told, hour_propensity=Decimal("0.05"), possible_hours=Decimal(8))).touches
    assert (sent.hour_weight, opened.hour_weight) == (None, 2.5)
    assert "hour_weight" not in sent.row()
    assert opened.row()["hour_weight"] == 2.5
    assert [touch.hour_weight for touch in read(row(**told)).touches] == [None, None]


@pytest.mark.parametrize(
    ("propensity", "possible"), [("0", "8"), ("1.5", "8"), ("-0.1", "8"), ("NaN", "8"), ("0.1", "0")]
)
def test_a_propensity_that_is_none_is_malformed(propensity: str, possible: str) -> None:
    broken = row(
        opened_at="2026-11-21T09:05:00Z", hour_propensity=Decimal(propensity), possible_hours=Decimal(possible)
    )
    with pytest.raises(MalformedRow, match="hour_propensity"):
        touches_of_send(broken)
