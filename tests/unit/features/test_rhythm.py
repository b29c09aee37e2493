import math
import random
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.unit.segmentation.customers import fill, fill_with_cdnow, order, rows_by_customer
from winback.features import FEATURES, PRIOR, SCORED, Calibration, compute_facts
from winback.features.rhythm import GapGroup, calibrate

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def _groups(customers: list[list[float]]) -> tuple[list[GapGroup], float]:
    """Groups by number of gaps, from each customer's log gaps."""
    sizes = sorted({len(gaps) for gaps in customers})
    groups = []
    for size in sizes:
        sums = [sum(gaps) for gaps in customers if len(gaps) == size]
        groups.append(GapGroup(size, len(sums), math.fsum(sums), math.fsum(total**2 for total in sums)))
    return groups, math.fsum(gap**2 for gaps in customers for gap in gaps)


def test_the_estimator_finds_the_rhythm_that_made_the_gaps() -> None:
    source = random.Random(7)
    customers = []
    for _ in range(20_000):
        own = source.gauss(3.4, math.sqrt(0.4))
        customers.append([source.gauss(own, math.sqrt(1.3)) for _ in range(source.randint(1, 9))])
    found = calibrate(*_groups(customers))
    assert found.gap_log_mean == pytest.approx(3.4, abs=0.02)
    assert found.within == pytest.approx(1.3, rel=0.02)
    assert found.between == pytest.approx(0.4, rel=0.05)


def test_customers_who_are_all_alike_have_no_spread_between_them() -> None:
    found = calibrate(*_groups([[2.0, 3.0, 4.0]] * 50))
    assert found.between == 0.0
    assert found.gap_log_mean == pytest.approx(3.0)
    # Then nobody's own gaps say anything that the account's do not.
    assert found.lapse_days(5, 10.0) == found.base_lapse_days


def test_too_few_gaps_fall_back_to_the_documented_prior() -> None:
    found = calibrate(*_groups([[2.0, 3.0]] * 29))
    assert found == PRIOR.model_copy(update={"gaps": 58, "customers": 29})
    assert PRIOR.base_lapse_days == 111


def test_own_gaps_move_the_threshold_towards_themselves_and_never_below_two_weeks() -> None:
    assert PRIOR.lapse_days(3, 3 * math.log(60)) > PRIOR.base_lapse_days > PRIOR.lapse_days(3, 3 * math.log(10))
    assert PRIOR.lapse_days(50, 50 * math.log(1)) == 14


def test_sql_and_python_agree_on_every_customers_threshold() -> None:
    with duckdb.connect() as connection:
        fill_with_cdnow(connection)
        rhythm = compute_facts(connection, as_of=datetime(1997, 10, 1, tzinfo=UTC))
        assert (rhythm.source, rhythm.customers, rhythm.gaps) == ("estimated", 9451, 24337)
        facts = rows_by_customer(connection, "facts")
    assert rhythm.base_lapse_days == 112
    for row in list(facts.values())[::37]:
        total = (row["gap_log_mean"] or 0.0) * row["gap_count"]
        assert row["lapse_days"] == rhythm.lapse_days(row["gap_count"], total)


def test_the_table_is_what_the_contract_says() -> None:
    with duckdb.connect() as connection:
        fill(connection, [order("ann", AS_OF - timedelta(days=3), 100), order("eve", AS_OF - timedelta(days=3), -100)])
        compute_facts(connection, as_of=AS_OF)
        description = connection.execute("FROM facts").description or []
        facts = rows_by_customer(connection, "facts")
    assert [(column[0], str(column[1])) for column in description] == [(one.name, one.type) for one in FEATURES]
    always = [feature.name for feature in FEATURES if not feature.nullable]
    assert all(row[name] is not None for row in facts.values() for name in always)
    assert set(SCORED) < {feature.name for feature in FEATURES}


def test_the_windows_count_days_with_a_purchase() -> None:
    ages = (1, 1, 91, 92, 182, 183)
    with duckdb.connect() as connection:
        fill(connection, [order("ann", AS_OF - timedelta(days=days), 100) for days in ages])
        compute_facts(connection, as_of=AS_OF)
        ann = rows_by_customer(connection, "facts")["ann"]
    assert (ann["purchases"], ann["purchases_last_91_days"], ann["purchases_last_182_days"]) == (5, 2, 4)


def test_frozen_thresholds_are_used_as_they_are() -> None:
    frozen = Calibration(gap_log_mean=3.0, within=1.0, between=0.5)
    with duckdb.connect() as connection:
        fill(connection, [order("ann", AS_OF - timedelta(days=3), 100)])
        assert compute_facts(connection, as_of=AS_OF, calibration=frozen) == frozen
        assert rows_by_customer(connection, "facts")["ann"]["lapse_days"] == frozen.base_lapse_days


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with duckdb.connect() as connection, pytest.raises(ValueError, match="time zone"):
        compute_facts(connection, as_of=datetime(2026, 1, 1))


def test_no_machines_logarithm_decides_a_whole_millionth() -> None:
    for gap in range(1, 36_501):
        fraction = math.log(gap) * 1e6 % 1
        assert abs(fraction - 0.5) > 1e-6


def test_the_estimate_is_the_same_on_one_thread_and_on_four() -> None:
    found = set()
    for threads in (1, 4):
        with duckdb.connect(config={"threads": threads}) as connection:
            fill_with_cdnow(connection)
            found.add(compute_facts(connection, as_of=datetime(1997, 10, 1, tzinfo=UTC)).model_dump_json())
    assert len(found) == 1
