"""Values of a computed snapshot's customers, straight from its file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from tests.unit.predictions.lifetime.simulation import draw_histories, draw_spend
from winback.predictions.lifetime.fitting import Estimate
from winback.predictions.lifetime.purchases import Kind, PurchaseModel
from winback.predictions.lifetime.snapshot import Fit, fit_in_force, open_buyers, write_predictions
from winback.predictions.lifetime.spend import SpendModel

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connected:
        connected.execute("SET preserve_insertion_order = false")
        yield connected


def write_snapshot(path: Path, *, customers: int = 400, repeats: bool = True, margin: float | None = 0.4) -> None:
    x, recency, age, _ = draw_histories(PurchaseModel(Kind.MBG_NBD, 0.8, 6.0, 0.7, 2.5), customers, seed=3)
    if not repeats:
        x, recency = x * 0, recency * 0
    spent = np.round(draw_spend(SpendModel(5.0, 4.0, 1600.0), x + 1, seed=4)).astype(np.int64)
    columns: dict[str, Any] = {
        "customer_number": np.arange(customers),
        "purchases": x + 1,
        "span_days": recency,
        "tenure_days": age,
        "gross_minor": spent,
    }
    with duckdb.connect() as connected:
        connected.register("columns", columns)
        connected.execute(
            "CREATE TABLE snapshot AS SELECT 'key' || customer_number AS customer_key, "
            "CASE WHEN customer_number % 2 = 0 THEN 'Loyal' ELSE 'Rising' END AS segment, "
            "* EXCLUDE (customer_number), gross_minor // 10 AS returns_minor, "
            "gross_minor - gross_minor // 10 AS net_minor, "
            "((gross_minor - gross_minor // 10) * $margin)::BIGINT AS margin_minor, "
            "CASE WHEN $margin IS NOT NULL THEN gross_minor - gross_minor // 10 END AS costed_net_minor FROM columns",
            {"margin": margin},
        )
        connected.table("snapshot").write_parquet(str(path))


def valued(connection: duckdb.DuckDBPyConnection, folder: Path, organic: list[dict[str, Any]] | None = None) -> Any:
    open_buyers(connection, folder / "computed.parquet")
    fit, fresh = fit_in_force(connection, None, as_of=AS_OF, currency="EUR")
    sources = write_predictions(connection, fit, organic or [], folder / "lifetime.parquet")
    assert fresh
    return fit, sources, connection.read_parquet(str(folder / "lifetime.parquet"))


def test_each_buyer_has_one_row_with_a_value_between_its_bounds(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_snapshot(tmp_path / "computed.parquet")

    fit, sources, rows = valued(connection, tmp_path)

    assert sources == {"model": 400}
    assert fit.fitted is not None
    ((customers, worth, margin),) = rows.aggregate(
        "count(DISTINCT customer_key) FILTER (predicted_value_minor BETWEEN predicted_value_low_minor "
        "AND predicted_value_high_minor), sum(predicted_value_minor), sum(predicted_margin_minor)"
    ).fetchall()
    assert customers == 400
    assert margin == pytest.approx(0.4 * worth, rel=1e-3)


def test_without_known_costs_there_is_no_margin(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_snapshot(tmp_path / "computed.parquet", margin=None)

    _, _, rows = valued(connection, tmp_path)

    assert rows.aggregate("count(predicted_margin_minor), count(predicted_value_minor)").fetchall() == [(0, 400)]


def test_an_account_without_repeat_buyers_gets_its_segments_values(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_snapshot(tmp_path / "computed.parquet", repeats=False)
    organic = [{"segment": "Loyal", "customers": 50, "purchased_minor": 91_000, "days": 91}]

    fit, sources, rows = valued(connection, tmp_path, organic)

    assert fit.why_not is not None
    assert sources == {"none": 200, "segment": 200}
    ((value, low, alive),) = (
        rows.filter("value_source = 'segment'")
        .aggregate("any_value(predicted_value_minor), count(predicted_value_low_minor), count(p_alive)")
        .fetchall()
    )
    assert value == pytest.approx(91_000 / 50 / 91 * 365 * 0.9, rel=1e-3)  # a tenth comes back
    assert (low, alive) == (0, 0)


def test_chunks_of_customers_change_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_snapshot(tmp_path / "computed.parquet")
    _, _, whole = valued(connection, tmp_path)
    at_once = whole.order("customer_key").fetchall()
    monkeypatch.setattr("winback.predictions.lifetime.snapshot._CHUNK", 70)

    _, _, rows = valued(connection, tmp_path)

    assert rows.order("customer_key").fetchall() == at_once


ESTIMATE = Estimate(("r",), (1.0,), -1.0, ((1.0,),), 1)


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"as_of": "2025-12-05T00:00:00Z"}, True),
        ({"as_of": "2025-12-04T00:00:00Z"}, False),  # four weeks old
        ({"as_of": "2026-01-02T00:00:00Z"}, False),  # of later
        ({"customers": 101}, False),  # some are gone
        ({"currency": "USD"}, False),
        ({"purchases": None}, False),
        ({"horizon_days": 180.0}, False),
    ],
)
def test_a_fit_holds_for_four_weeks_of_the_same_account(changed: dict[str, Any], holds: bool) -> None:
    fit = Fit(as_of="2025-12-20T00:00:00Z", currency="EUR", customers=100, purchases=ESTIMATE, spend=ESTIMATE)

    found = fit.model_copy(update=changed).holds(as_of=AS_OF, customers=100, currency="EUR")

    assert found is holds


def test_a_fit_is_the_same_after_a_round_through_the_lake() -> None:
    fit = Fit(as_of="2025-12-20T00:00:00Z", currency="EUR", customers=100, purchases=ESTIMATE, spend=ESTIMATE)

    assert Fit.model_validate(fit.model_dump(mode="json")) == fit
    assert timedelta(days=28) > AS_OF - datetime(2025, 12, 5, tzinfo=UTC)
