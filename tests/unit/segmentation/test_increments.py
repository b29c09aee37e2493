"""A refresh from the refresh before gives the very rows that a refresh from all orders gives."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.features import PRIOR, compute_facts
from winback.features.premium import PremiumCuts
from winback.instants import format_instant
from winback.segmentation.increments import Coverage, open_touched_orders, statements_fingerprint
from winback.segmentation.order_files import OrderFiles, open_orders

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMERS, ORDERS = ("ann", "bob", "cy", "eve"), tuple("123456789ABC")
CALIBRATION = PRIOR.model_copy(update={"premium": PremiumCuts(unit_minor=900, amount_minor=2_000)})
LINES = [{"sku": "a", "category": "tea", "quantity": "1", "price_minor": 1_000, "cost_minor": 400}]

orders = st.builds(
    lambda order_id, customer, day, amount, lines: {
        "order_id": order_id,
        "customer_key": customer,
        "ordered_at": format_instant(START + timedelta(days=day, hours=day)),
        "amount_minor": amount,
        "lines": lines,
    },
    st.sampled_from(ORDERS),
    st.sampled_from(CUSTOMERS),
    st.integers(-40, 60),
    st.integers(-500, 5_000),
    st.sampled_from([None, [], LINES, LINES * 2]),
)
days_of_files = st.lists(
    st.tuples(st.integers(0, 20), st.lists(orders, max_size=9, unique_by=lambda one: one["order_id"]), st.booleans()),
    min_size=2,
    max_size=3,
)


@dataclass
class Lake:
    """Files as they come, day by day; each as Parquet or JSON Lines."""

    folder: Path
    files: list[Path] = field(default_factory=list)

    def add(self, rows: list[dict[str, Any]], *, parquet: bool) -> None:
        number = len(self.files)
        moment = format_instant(START + timedelta(seconds=number))
        common = {"currency": "EUR", "discount_minor": 0, "cost_minor": None, "received_at": moment}
        lines = [json.dumps({**common, **row, "fingerprint": f"{number}"}) for row in rows]
        path = self.folder / f"{number}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
        if parquet and rows:
            path = self._as_parquet(path, self.folder / f"{number}.parquet")
        self.files.append(path)

    def _as_parquet(self, source: Path, path: Path) -> Path:
        with opened() as connection:
            open_orders(connection, parquet=[], json_lines=[source], currency="EUR")
            connection.table("counted_orders").write_parquet(str(path))
        return path


@contextmanager
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def from_all(lake: Lake, as_of: datetime, histories: Path) -> list[Any]:
    with opened() as connection:
        files = OrderFiles.of(lake.files)
        open_orders(connection, parquet=files.parquet, json_lines=files.json_lines, currency="EUR")
        return rows_of(connection, as_of, histories)


@dataclass(frozen=True)
class Before:
    """A refresh that the next one starts from."""

    as_of: datetime
    files: int
    histories: Path


def from_before(lake: Lake, before: Before, as_of: datetime, histories: Path) -> list[Any]:
    with opened() as connection:
        assert open_touched_orders(
            connection,
            covered=OrderFiles.of(lake.files[: before.files]),
            fresh=OrderFiles.of(lake.files[before.files :]),
            histories=before.histories,
            since=before.as_of,
            as_of=as_of,
            currency="EUR",
        )
        return rows_of(connection, as_of, histories)


def rows_of(connection: duckdb.DuckDBPyConnection, as_of: datetime, histories: Path) -> list[Any]:
    """Histories and facts; whatever is made of them is the same when they are."""
    compute_facts(connection, as_of=as_of, calibration=CALIBRATION, trend_category="tea", histories_to=histories)
    connection.read_parquet(str(histories)).create_view("written")
    return [connection.execute(f"FROM {name} ORDER BY customer_id").fetchall() for name in ("written", "facts")]


@settings(max_examples=8, deadline=None)
@given(days_of_files)
def test_carrying_gives_the_same_rows_as_computing_all(days: list[tuple[int, list[dict[str, Any]], bool]]) -> None:
    """Late orders, changed, moved and withdrawn ones, orders of the future, returns, days without any."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lake = Lake(folder)
        before = Before(START, 0, folder / "none.parquet")
        from_all(lake, before.as_of, before.histories)
        for number, (later, rows, parquet) in enumerate(days):
            lake.add(rows, parquet=parquet)
            as_of, histories = before.as_of + timedelta(days=later), folder / f"carried-{number}.parquet"
            carried = from_before(lake, before, as_of, histories)
            assert carried == from_all(lake, as_of, folder / "all.parquet")
            before = Before(as_of, len(lake.files), histories)


def order(order_id: str, customer: str, day: int, amount: int = 1_000) -> dict[str, Any]:
    moment = format_instant(START + timedelta(days=day))
    return {"order_id": order_id, "customer_key": customer, "ordered_at": moment, "amount_minor": amount, "lines": None}


def recomputed(tmp_path: Path, first: list[dict[str, Any]], second: list[dict[str, Any]], later: int = 1) -> set[str]:
    """Customers of `first` and `second` whose histories are computed from orders, the day after."""
    lake = Lake(tmp_path)
    lake.add(first, parquet=True)
    from_all(lake, START, tmp_path / "before.parquet")
    lake.add(second, parquet=False)
    with opened() as connection:
        open_touched_orders(
            connection,
            covered=OrderFiles.of(lake.files[:1]),
            fresh=OrderFiles.of(lake.files[1:]),
            histories=tmp_path / "before.parquet",
            since=START,
            as_of=START + timedelta(days=later),
            currency="EUR",
        )
        return {key for (key,) in connection.execute("SELECT customer_key FROM touched_customers").fetchall()}


def test_only_customers_of_new_files_are_computed_again(tmp_path: Path) -> None:
    known = [order("1", "ann", -5), order("2", "bob", -5), order("3", "eve", -5)]
    assert recomputed(tmp_path, known, [order("4", "bob", -1)]) == {"bob"}


def test_an_order_that_moved_touches_whom_it_left(tmp_path: Path) -> None:
    assert recomputed(tmp_path, [order("1", "ann", -5), order("2", "bob", -5)], [order("1", "eve", -5)]) == {
        "ann",
        "eve",
    }


def test_an_order_of_the_future_touches_its_customer_when_its_day_has_come(tmp_path: Path) -> None:
    known = [order("1", "ann", -5), order("2", "bob", 3)]
    assert recomputed(tmp_path, known, [], later=2) == set()
    assert (
        recomputed(tmp_path / "later", known, [], later=4) == {"bob"} if (tmp_path / "later").mkdir() is None else None
    )


def test_orders_in_another_currency_may_not_be_carried(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.add([order("1", "ann", -5)], parquet=False)
    from_all(lake, START, tmp_path / "before.parquet")
    lake.add([{**order("2", "bob", -1), "currency": "USD"}], parquet=False)
    with opened() as connection:
        assert not open_touched_orders(
            connection,
            covered=OrderFiles.of(lake.files[:1]),
            fresh=OrderFiles.of(lake.files[1:]),
            histories=tmp_path / "before.parquet",
            since=START,
            as_of=START,
            currency="EUR",
        )


COVERAGE = Coverage(
    as_of="2026-01-01T00:00:00Z",
    files={"a": "1"},
    currency="EUR",
    foreign_orders=False,
    trend_category=None,
    premium=PremiumCuts(),
    made_by=statements_fingerprint(),
)


def test_histories_are_carried_when_files_only_came_and_time_only_passed() -> None:
    later = COVERAGE.model_copy(update={"as_of": "2026-01-02T00:00:00Z", "files": {"a": "1", "b": "2"}})
    assert COVERAGE.carries_to(COVERAGE)
    assert COVERAGE.carries_to(later)
    assert not later.carries_to(COVERAGE)


@pytest.mark.parametrize(
    "changed",
    [
        {"files": {"a": "2"}},
        {"files": {"b": "1"}},
        {"currency": "USD"},
        {"trend_category": "tea"},
        {"premium": PremiumCuts(unit_minor=1, amount_minor=2)},
        {"made_by": "0" * 16},
    ],
)
def test_what_else_changed_makes_all_be_computed(changed: dict[str, Any]) -> None:
    assert not COVERAGE.carries_to(COVERAGE.model_copy(update=changed))


def test_amounts_that_hang_on_rates_are_not_carried() -> None:
    foreign = COVERAGE.model_copy(update={"foreign_orders": True})
    assert not foreign.carries_to(foreign)


def test_an_order_that_left_a_customer_long_ago_does_not_come_back(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.add([order("1", "ann", -9), order("2", "ann", -8)], parquet=True)
    lake.add([order("1", "bob", -9)], parquet=False)
    before = Before(START, 2, tmp_path / "before.parquet")
    from_all(lake, START, before.histories)
    lake.add([order("3", "ann", -1)], parquet=False)
    _, facts = from_before(lake, before, START, tmp_path / "after.parquet")
    assert [(row[0], row[1]) for row in facts] == [("ann", 2), ("bob", 1)]
