from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.segmentation.customers import fill, fill_with_cdnow, order
from winback.segmentation.data_quality import FIELDS, Counts, Gap, Rows, assess, measure
from winback.segmentation.snapshot import build_snapshot

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
COMPLETE = Counts(
    customers=100,
    orders=400,
    without_lines=0,
    lines_without_category=0,
    without_cost=0,
    without_discounts=0,
    with_returns=3,
    without_email_consent=0,
    without_other_consent=0,
    without_acquisition_channel=0,
    without_engagement=0,
    without_visits=0,
    at_midnight=0,
    history_days=1_000,
)


def gap(gaps: list[Gap], field: str) -> Gap:
    return next(gap for gap in gaps if gap.field == field)


def test_complete_data_have_no_gap() -> None:
    assert assess(COMPLETE) == []


def test_nobody_lacks_nothing() -> None:
    nobody = Counts.model_validate(dict.fromkeys(Counts.model_fields, 0))
    assert assess(nobody) == []


def test_the_score_is_the_share_that_is_missing_times_the_weight() -> None:
    (found,) = assess(COMPLETE.model_copy(update={"without_cost": 25}))
    assert (found.field, found.share_missing, found.weight, found.score) == ("costs", 0.25, 8, 2.0)
    assert found.missing == "25 of 100 customers have no purchase of which the cost is known."


def test_how_few_lack_or_have_something_is_hidden_on_request() -> None:
    assert assess(COMPLETE.model_copy(update={"without_cost": 4}), hidden_below=5) == []
    (found,) = assess(COMPLETE.model_copy(update={"without_cost": 96}), hidden_below=5)
    assert found.missing == "Nearly all 100 customers have no purchase of which the cost is known."
    assert found.share_missing == 1.0
    (found,) = assess(COMPLETE.model_copy(update={"without_cost": 95}), hidden_below=5)
    assert found.missing.startswith("95 of 100")


def test_a_little_of_something_great_comes_after_all_of_something_small() -> None:
    gaps = assess(COMPLETE.model_copy(update={"without_email_consent": 10, "without_acquisition_channel": 100}))
    assert [gap.field for gap in gaps] == ["acquisition channel", "consent to e-mail"]


def test_rejected_rows_and_currencies_without_a_rate_are_gaps() -> None:
    imported = Rows.of_rejects(1_000, {"customer_id: missing": 100, "amount: not a number": 50})
    converted = Rows(orders_in_other_currencies=150, orders_without_rate=100)
    gaps = assess(COMPLETE, [imported, converted])
    assert gap(gaps, "customer of each row").share_missing == 0.1
    assert gap(gaps, "rows that fit").share_missing == 0.05
    assert gap(gaps, "exchange rates").share_missing == 0.2


def test_categories_are_asked_for_only_where_there_are_lines() -> None:
    assert [g.field for g in assess(COMPLETE.model_copy(update={"without_lines": 100}))] == ["order lines"]


@pytest.mark.parametrize(("days", "share"), [(0, 1.0), (365, 0.5), (730, None), (4_000, None)])
def test_a_season_needs_two_years(days: int, share: float | None) -> None:
    gaps = assess(COMPLETE.model_copy(update={"history_days": days}))
    assert [gap.share_missing for gap in gaps] == ([] if share is None else [share])


counts = st.builds(
    lambda customers, parts: Counts(
        customers=customers, **{name: min(customers, part) for name, part in parts.items()}
    ),
    st.integers(0, 1_000),
    st.fixed_dictionaries({name: st.integers(0, 1_000) for name in Counts.model_fields if name != "customers"}),
)


@given(counts)
def test_the_list_is_ranked_each_field_once_and_shares_are_shares(found: Counts) -> None:
    gaps = assess(found)
    assert [gap.score for gap in gaps] == sorted((gap.score for gap in gaps), reverse=True)
    assert len({gap.field for gap in gaps}) == len(gaps) <= len(FIELDS)
    assert all(0 < gap.share_missing <= 1 and gap.unlocks and gap.supply for gap in gaps)


def test_what_is_known_is_read_from_the_facts() -> None:
    bought = [AS_OF - timedelta(days=days, hours=7) for days in (800, 400, 20)]
    with duckdb.connect() as connection:
        fill(
            connection,
            [
                *(order("ann", at, 5_000, "shoes") for at in bought),
                order("ann", AS_OF - timedelta(days=10), -1_000),
                *(order("bob", at.replace(hour=0), 5_000) for at in bought),
                order("eve", AS_OF - timedelta(days=10), -1_000),  # returns only: no customer of the segments
            ],
        )
        build_snapshot(connection, as_of=AS_OF)
        found = measure(connection)
    assert (found.customers, found.orders) == (2, 7)
    assert (found.without_lines, found.lines_without_category) == (1, 0)
    assert (found.with_returns, found.at_midnight) == (1, 1)
    assert found.history_days >= 800
    assert found.without_cost == found.without_email_consent == 2


def test_cdnow_lacks_lines_and_times_and_half_a_year_of_history() -> None:
    with duckdb.connect() as connection:
        fill_with_cdnow(connection)
        build_snapshot(connection, as_of=datetime(1998, 7, 1, tzinfo=UTC))
        gaps = assess(measure(connection))
    assert gap(gaps, "order lines").missing == "All 23,570 customers have no order with its lines."
    assert gap(gaps, "time of day").share_missing == 1
    assert 0.2 < gap(gaps, "two years of history").share_missing < 0.3
    assert "categories" not in [gap.field for gap in gaps]
