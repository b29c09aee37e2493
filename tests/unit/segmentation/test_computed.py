import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.unit.segmentation.customers import order, segmented
from winback.features import SCORED
from winback.segmentation import computed

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def test_parts_hold_every_customer_once_in_the_order_of_the_keys(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computed, "PART_ROWS", 3)
    names = [f"c{n}" for n in range(8)]
    segmented(connection, [order(name, AS_OF - timedelta(days=9), 100) for name in reversed(names)], AS_OF)
    parts = []
    for part in computed.write_parts(connection, tmp_path):
        rows = [json.loads(line) for line in part.path.read_text(encoding="utf-8").splitlines()]
        assert part.rows == len(rows)
        assert all(tuple(row["features"]) == SCORED for row in rows)
        parts.append([row["customer_key"] for row in rows])
    connection.execute("DROP TABLE to_score CASCADE")
    assert parts == [names[:3], names[3:6], names[6:]]
