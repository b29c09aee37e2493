import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.identifiers import CustomerKey, customer_key
from winback.playbook.calls import (
    MOST_CALLS,
    Call,
    Door,
    NotCalled,
    Reach,
    call_page,
    calls_csv,
    of_playbook,
    refused,
    select_calls,
    ways,
    write_calls,
)
from winback.playbook.loading import replaced, shipped_playbook
from winback.playbook.rows import PlaybookChannel
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
VIP, RISKY = Cell(ValueTier.VIP, Status.ACTIVE), Cell(ValueTier.VIP, Status.AT_RISK)
SAVE = Cell(ValueTier.HIBERNATING, Status.CANT_LOSE_THEM)
ELITE = Cell(ValueTier.ELITE, Status.AT_RISK)
MASS = Cell(ValueTier.MASS, Status.AT_RISK)


def call(key: str = "ann", cell: Cell = RISKY, net_minor: int = 241_000, **facts: Any) -> Call:
    return Call.model_validate(
        {
            "customer_key": key,
            "segment": "Slipping VIPs",
            "value_tier": cell.value_tier,
            "status": cell.status,
            "purchases": 9,
            "purchase_orders": 9,
            "median_gap_days": 41,
            "net_minor": net_minor,
            "last_purchase_at": "2025-06-12T09:00:00Z",
            "silence_days": 203,
            "lapse_days": 82,
            **facts,
        }
    )


def reach(**known: Any) -> Reach:
    return Reach(
        **{
            "has_profile": True,
            "email": Door.OPEN,
            "phone": Door.OPEN,
            "last_order_at": None,
            "held_out": False,
            **known,
        }
    )


def verdict(one: Call, known: Reach) -> NotCalled | None:
    return refused(one, shipped_playbook().row(one.cell), known, AS_OF)


@pytest.fixture
def snapshot() -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot of five customers."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE snapshot (customer_id VARCHAR, segment VARCHAR, family VARCHAR, value_tier VARCHAR, "
        "status VARCHAR, purchases INTEGER, net_minor BIGINT, last_purchase_at TIMESTAMP, silence_days INTEGER, "
        "lapse_days INTEGER, purchase_orders BIGINT, median_gap_days INTEGER, seasonal BOOLEAN, season_month INTEGER)"
    )
    people = [("a", VIP, 900), ("b", SAVE, 100), ("c", MASS, 9_999), ("d", ELITE, 300), ("e", ELITE, 400)]
    connection.executemany(
        "INSERT INTO snapshot "
        "VALUES (?, 'Champions', 'Heroes', ?, ?, 3, ?, '2025-06-12 09:00', 203, 82, 3, 41, FALSE, NULL)",
        [(name, str(cell.value_tier), str(cell.status), value) for name, cell, value in people],
    )
    yield connection
    connection.close()


def test_the_list_goes_by_priority_then_by_value_and_leaves_out_what_no_person_works(
    snapshot: duckdb.DuckDBPyConnection,
) -> None:
    found = list(select_calls(snapshot, shipped_playbook().called))
    assert [row["customer_key"] for row in found] == ["b", "a", "e", "d"]


def test_the_file_is_the_same_for_the_same_rows_and_reads_back(
    snapshot: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    snapshot.execute("CREATE TABLE published AS SELECT * RENAME (customer_id AS customer_key) FROM snapshot")
    for name in ("one", "two"):
        written = write_calls(
            snapshot, tmp_path / name, shipped_playbook().called, relation="published", key="customer_key"
        )
        assert written == 4
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress((tmp_path / "one").read_bytes()).splitlines()]
    assert [Call.model_validate(row).last_purchase_at for row in rows] == ["2025-06-12T09:00:00Z"] * 4


def test_a_list_of_no_cells_is_empty(snapshot: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert write_calls(snapshot, tmp_path / "none", ()) == 0


def test_nobody_works_off_more_than_the_sql_lists(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute(
        "INSERT INTO snapshot SELECT s.* FROM snapshot AS s CROSS JOIN range(10000) WHERE s.status = 'Active'"
    )
    snapshot.execute("INSERT INTO snapshot SELECT s.* FROM snapshot AS s WHERE s.status = 'Active'")
    assert len(list(select_calls(snapshot, shipped_playbook().called))) == MOST_CALLS


def test_an_own_playbook_gives_other_cells_to_a_person() -> None:
    own = replaced({"cells": [{"value_tier": "VIP", "status": "At Risk", "channels": ["email"]}]})
    assert of_playbook([call(cell=RISKY), call("bob", SAVE)], own) == [call("bob", SAVE)]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, None),
        ({"has_profile": False, "email": Door.CLOSED, "phone": Door.CLOSED}, NotCalled.NO_PROFILE),
        ({"email": Door.CLOSED, "phone": Door.CLOSED}, NotCalled.NO_CONSENT),
        ({"email": Door.SUPPRESSED, "phone": Door.CLOSED}, NotCalled.SUPPRESSED),
        ({"held_out": True}, NotCalled.HELD_OUT),
        ({"last_order_at": AS_OF + timedelta(days=1)}, NotCalled.PURCHASED_SINCE),
        ({"last_order_at": AS_OF - timedelta(days=1)}, None),
    ],
)
def test_who_must_not_be_contacted_is_not_listed(known: dict[str, Any], reason: NotCalled | None) -> None:
    assert verdict(call(), reach(**known)) is reason


def test_an_active_customer_may_be_thanked_for_a_new_purchase() -> None:
    assert verdict(call(cell=VIP), reach(last_order_at=AS_OF + timedelta(days=1))) is None


def test_the_phone_needs_consent_of_its_own() -> None:
    row = shipped_playbook().row(RISKY)
    assert ways(row, reach(phone=Door.CLOSED)) == [PlaybookChannel.ACCOUNT_MANAGER, PlaybookChannel.EVENTS]
    assert verdict(call(cell=ELITE), reach(phone=Door.CLOSED)) is NotCalled.NO_CONSENT  # Elite is worked by phone alone


doors = st.sampled_from(list(Door))


@given(st.sampled_from(CELLS), st.booleans(), doors, doors, st.booleans())
def test_nobody_is_listed_without_an_open_channel_or_while_held_out(
    cell: Cell, has_profile: bool, email: Door, phone: Door, held_out: bool
) -> None:
    known = reach(has_profile=has_profile, email=email, phone=phone, held_out=held_out)
    if verdict(call(cell=cell), known) is None:
        assert has_profile
        assert not held_out
        assert Door.OPEN in (email, phone)
        assert ways(shipped_playbook().row(cell), known)


def test_a_page_names_whom_to_contact_why_and_how_and_counts_the_others() -> None:
    known = {CustomerKey("ann"): ("c-1", reach()), CustomerKey("bob"): ("c-2", reach(held_out=True))}
    listed, left_out = call_page([call("ann"), call("bob")], known, shipped_playbook(), AS_OF, "GBP")
    assert left_out == {"held_out": 1}
    (one,) = listed
    assert (one["customer_id"], one["cell"], one["by"]) == (
        "c-1",
        "VIP / At Risk",
        ["account manager", "phone", "events"],
    )
    assert one["why"] == (
        "Slipping VIP: spent 2,410.00 GBP in 9 orders, usually every 41 days, silent for 203 (late after 82)"
    )
    assert not {"email", "phone", "first_name", "last_name"} & set(one)


def test_the_csv_names_nobody_unless_it_is_asked_to() -> None:
    rows = [call("=ann@example.com").model_dump(mode="json")]
    salt = "5a17" * 8
    hidden = calls_csv(rows, shipped_playbook(), salt, "GBP")
    assert "ann@example.com" not in hidden
    assert customer_key(salt, "=ann@example.com") in hidden
    (named,) = csv.DictReader(io.StringIO(calls_csv(rows, shipped_playbook(), None, "GBP")))
    assert (named["customer_id"], named["CLTV to date, GBP"]) == ("'=ann@example.com", "2410.00")
