"""Drift is told when there is some, not when chance alone would look like it, and not measurable is said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml import metrics
from winback.predictions.drift import (
    Drift,
    InputDrift,
    Shift,
    inputs_words,
    measure_calibration,
    measure_inputs,
    newly_shifted,
    population_stability,
    shift_of,
    snapshot_before,
)
from winback.predictions.promotion import Reference

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as fresh:
        yield fresh


def snapshot(connection: duckdb.DuckDBPyConnection, silence: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
    connection.register("columns", {"silence_days": silence})
    connection.execute(
        "CREATE OR REPLACE TABLE snapshot AS "
        "SELECT nullif(silence_days, -1) AS silence_days, 1 AS purchases FROM columns"
    )


def reference(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> dict[str, Reference]:
    """As the training script writes it."""
    return {"silence_days": Reference.model_validate(metrics.reference(values))}


def test_the_bins_are_those_of_the_training_script(connection: duckdb.DuckDBPyConnection) -> None:
    """Values that lie on an edge and missing ones are counted where ml/metrics.py counts them."""
    trained = np.array([1.0, 2.0, 2.0, 3.0, 5.0, 8.0, 8.0, 8.0, 13.0, 21.0, np.nan, np.nan])
    snapshot(connection, np.nan_to_num(trained, nan=-1.0))
    (found,) = measure_inputs(connection, reference(trained))
    assert found.psi == 0.0


def test_the_same_customers_have_not_shifted_and_others_have(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    trained = rng.exponential(60, 20_000).round()
    snapshot(connection, rng.exponential(60, 3_000).round())
    assert measure_inputs(connection, reference(trained))[0].shift is Shift.NONE
    snapshot(connection, rng.exponential(200, 3_000).round())
    assert measure_inputs(connection, reference(trained))[0].shift is Shift.LARGE


def test_an_account_that_sends_no_value_any_more_has_shifted(connection: duckdb.DuckDBPyConnection) -> None:
    snapshot(connection, np.full(500, -1.0))
    (found,) = measure_inputs(connection, reference(np.arange(1000.0)))
    assert found.shift is Shift.LARGE


def test_few_customers_show_nothing_however_large_the_index(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(2)
    trained = rng.exponential(60, 20_000).round()
    told = 0
    for _ in range(200):
        snapshot(connection, rng.exponential(60, 30).round())
        told += measure_inputs(connection, reference(trained))[0].shift is not Shift.NONE
    assert told <= 20  # a fixed limit of 0.25 alone would cry wolf in most of them


def test_an_input_that_no_column_holds_is_left_out(connection: duckdb.DuckDBPyConnection) -> None:
    snapshot(connection, np.arange(10.0))
    assert measure_inputs(connection, {"opened": Reference(edges=(1.0,), shares=(0.5, 0.4, 0.1))}) == []
    assert "could be compared" in inputs_words([])


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any))
def test_the_index_is_never_negative_and_zero_for_the_same_shares(counts: list[int]) -> None:
    total = sum(counts)
    then = [count / total for count in counts]
    assert population_stability(then, counts) == pytest.approx(0, abs=1e-9)
    assert population_stability(then[::-1], counts) >= 0


def test_the_limits_are_the_customary_ones_for_many_customers() -> None:
    shifts = [shift_of(psi, bins=10, customers=10_000) for psi in (0.09, 0.11, 0.26)]
    assert shifts == [Shift.NONE, Shift.MODERATE, Shift.LARGE]


def scored(connection: duckdb.DuckDBPyConnection, *, customers: int, bias: float = 0.0, stretch: float = 1.0) -> None:
    """Forecasts of 91 days ago and who was silent since; true odds are the forecast's, biased or less extreme."""
    rng = np.random.default_rng(3)
    forecast = rng.uniform(0.1, 0.9, customers)
    truth = np.clip(0.5 + (forecast - 0.5) * stretch + bias, 0, 1)
    left = rng.uniform(size=customers) < truth
    keys = np.array([f"c{number}" for number in range(customers)], dtype=object)
    connection.register("then_", {"customer_key": keys, "churn_probability": forecast})
    connection.register("now_", {"customer_key": keys, "silence_days": np.where(left, 91, 90).astype(np.int64)})
    connection.execute("CREATE TABLE earlier AS SELECT *, 'endpoint' AS score_source FROM then_")
    connection.execute("CREATE TABLE snapshot AS SELECT * FROM now_")


def test_forecasts_that_come_true_alarm_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    scored(connection, customers=4000)
    found = measure_calibration(connection, snapshot_id="snp-1", days=91)
    assert found is not None
    assert not found.alarming
    assert found.low < 0 < found.high
    assert found.slope is not None
    assert found.slope_low is not None
    assert found.slope_high is not None
    assert found.slope_low < 1 < found.slope_high
    assert len(found.tenths) == 10
    assert found.says.startswith("forecasts come true")


def test_more_customers_who_leave_than_was_forecast_alarm(connection: duckdb.DuckDBPyConnection) -> None:
    scored(connection, customers=4000, bias=0.1)
    found = measure_calibration(connection, snapshot_id="snp-1", days=91)
    assert found is not None
    assert found.alarming
    assert found.difference == pytest.approx(0.1, abs=0.03)
    assert found.says.startswith("more customers left than was forecast: +")


def test_forecasts_that_are_too_extreme_alarm(connection: duckdb.DuckDBPyConnection) -> None:
    scored(connection, customers=8000, stretch=0.3)
    found = measure_calibration(connection, snapshot_id="snp-1", days=91)
    assert found is not None
    assert found.slope == pytest.approx(0.3, abs=0.1)
    assert found.alarming
    assert "too extreme" in found.says


def test_too_few_customers_are_not_judged(connection: duckdb.DuckDBPyConnection) -> None:
    scored(connection, customers=199, bias=0.3)
    assert measure_calibration(connection, snapshot_id="snp-1", days=91) is None


def test_a_score_that_is_not_the_models_says_nothing_of_it(connection: duckdb.DuckDBPyConnection) -> None:
    scored(connection, customers=400)
    connection.execute("UPDATE earlier SET score_source = 'prior'")
    assert measure_calibration(connection, snapshot_id="snp-1", days=91) is None


@dataclass(frozen=True)
class Past:
    snapshot_id: str
    as_of: datetime


def test_the_snapshot_nearest_to_91_days_ago_is_looked_at_and_none_that_is_far_from_it() -> None:
    days = {name: Past(name, AS_OF - timedelta(days=age)) for name, age in (("a", 95), ("b", 93), ("c", 90), ("d", 1))}
    assert snapshot_before(list(days.values()), AS_OF) == days["c"]
    assert snapshot_before([days["a"], days["d"]], AS_OF) is None


def drift(model_id: str, *large: str) -> Drift:
    inputs = tuple(InputDrift(input=name, psi=0.5, shift=Shift.LARGE) for name in large)
    words = inputs_words(inputs)
    return Drift(
        snapshot_id="snp-1",
        model_id=model_id,
        inputs=inputs,
        inputs_say=words,
        calibration=None,
        calibration_says="not yet",
    )


def test_a_shift_wakes_somebody_once_and_only_when_it_came_during_a_models_life() -> None:
    now = [InputDrift(input="silence_days", psi=0.5, shift=Shift.LARGE)]
    assert newly_shifted(now, drift("m"), "m") == ("silence_days",)
    assert newly_shifted(now, drift("m", "silence_days"), "m") == ()
    assert newly_shifted(now, drift("other"), "m") == ()
    assert newly_shifted(now, None, "m") == ()
