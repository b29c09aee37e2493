import duckdb

from bench import refresh
from bench.__main__ import names


def test_every_benchmark_is_found_by_name() -> None:
    assert "refresh" in names()
    assert "measure" not in names()


def test_the_made_orders_have_ten_a_customer_and_a_few_newer_versions(tmp_path: object, monkeypatch: object) -> None:
    monkeypatch.setattr(refresh, "ROOT", tmp_path)  # type: ignore[attr-defined]
    folder = refresh.prepare(2_000)
    orders = duckdb.read_parquet(str(folder / "*.parquet"))
    counts = orders.aggregate("count(*), count(DISTINCT order_id), count(DISTINCT customer_key)").fetchall()[0]
    rows, different, customers = counts
    assert customers == 2_000
    assert 9 < rows / customers < 11
    assert 0.005 < (rows - different) / rows < 0.015
