"""What an account's data has: the same facts are computed by less work where a store sends less."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Inputs:
    """Which statements fit the relations at hand."""

    discounts: bool
    """Orders have a column for their discount."""
    order_cost: bool
    """Some order has a cost of its own."""
    lines: bool
    """Some order has lines."""
    line_cost: bool
    """Lines have a field for their cost."""
    touches: bool
    profiles: bool


def look(connection: "duckdb.DuckDBPyConnection", moment: datetime) -> Inputs:
    """Looks at `orders` before `moment` (UTC, no zone), and for the optional relations `touches` and `profiles`."""
    described = connection.execute("DESCRIBE SELECT * FROM orders LIMIT 0").fetchall()
    columns = {name: str(kind) for name, kind, *_ in described}
    signs = {name: sign for name, sign in _SIGNS.items() if name in columns}
    if len(signs) > 1 and not _some_order(connection, moment, " OR ".join(signs.values())):
        signs = {}  # one look over all orders is enough for most accounts
    given = {name for name, sign in signs.items() if _some_order(connection, moment, sign)}
    return Inputs(
        discounts="discount_minor" in columns,
        order_cost="cost_minor" in given,
        lines="lines" in given,
        line_cost="cost_minor" in columns.get("lines", ""),
        touches=exists(connection, "touches"),
        profiles=exists(connection, "profiles"),
    )


_SIGNS = {"lines": "len(lines) > 0", "cost_minor": "cost_minor IS NOT NULL"}


def _some_order(connection: "duckdb.DuckDBPyConnection", moment: datetime, sign: str) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM orders WHERE ({sign}) AND ordered_at < $as_of LIMIT 1",  # noqa: S608 of _SIGNS
        {"as_of": moment},
    ).fetchall()
    return bool(found)


def exists(connection: "duckdb.DuckDBPyConnection", name: str) -> bool:
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE table_name = $name "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE view_name = $name",
        {"name": name},
    ).fetchall()
    return bool(found)
