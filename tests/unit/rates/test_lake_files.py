from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from tests.unit.rates.conftest import quote
from winback.rates.files import create_rates
from winback.rates.lake_files import open_rates, set_known_rates_aside, write_rates
from winback.rates.quotes import Quote

DAYS = [datetime(2026, 11, day, tzinfo=UTC) for day in (20, 21, 22)]
USD, JPY = quote("2026-11-20", "USD", "EUR", "1.0857"), quote("2026-11-20", "JPY", "EUR", "161.3")
CORRECTED = quote("2026-11-20", "USD", "EUR", "1.0858")


def _import(connection: DuckDBPyConnection, folder: Path, quotes: list[Quote], number: int) -> int:
    """Takes a file of these in; returns how many of them were known."""
    create_rates(connection, quotes)
    known = set_known_rates_aside(connection, sorted(folder.glob("*.parquet")))
    write_rates(connection, folder / f"{number}.parquet", DAYS[number])
    return known


def _rates(connection: DuckDBPyConnection, folder: Path) -> list[Quote]:
    open_rates(connection, sorted(folder.glob("*.parquet")))
    return [Quote(*row) for row in connection.execute("FROM rates ORDER BY currency").fetchall()]


def test_the_lake_gives_back_what_was_imported(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    assert _rates(connection, tmp_path) == []
    assert _import(connection, tmp_path, [USD, JPY], 0) == 0
    assert _rates(connection, tmp_path) == [JPY, USD]


def test_a_longer_file_of_the_same_source_adds_only_what_is_new(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    _import(connection, tmp_path, [USD], 0)
    assert _import(connection, tmp_path, [USD, JPY], 1) == 1
    assert connection.read_parquet(str(tmp_path / "1.parquet")).fetchall()[0][1] == "JPY"
    assert _import(connection, tmp_path, [USD, JPY], 2) == 2
    assert not (tmp_path / "2.parquet").exists()


def test_a_corrected_rate_counts_from_then_on_and_so_does_its_return(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    _import(connection, tmp_path, [USD], 0)
    _import(connection, tmp_path, [CORRECTED], 1)
    assert _rates(connection, tmp_path) == [CORRECTED]
    assert _import(connection, tmp_path, [USD], 2) == 0
    assert _rates(connection, tmp_path) == [USD]
