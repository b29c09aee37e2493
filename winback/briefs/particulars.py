"""What briefs say of a snapshot beside its totals: rhythm, returns, reach; and what came of whom by origin."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from winback.segmentation.names import Segment

if TYPE_CHECKING:
    import duckdb


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SegmentParticulars(_Row):
    """particulars.sql says what each is."""

    segment: Segment
    customers: int
    purchase_orders: int
    gross_minor: int
    returns_minor: int
    bought_once: int
    recent_minor: int
    gap_days: int | None
    silence_days: int
    lapse_days: int
    email_granted: int
    email_known: int
    sms_granted: int
    sms_known: int
    push_granted: int
    push_known: int


class AcquisitionTotals(_Row):
    channel: str
    customers: int
    bought_once: int
    net_minor: int


class Particulars(_Row):
    segments: tuple[SegmentParticulars, ...]
    acquisition: tuple[AcquisitionTotals, ...]


def observe(connection: "duckdb.DuckDBPyConnection") -> Particulars:
    """From the table `snapshot` that `build_snapshot` makes."""
    return Particulars(
        segments=tuple(SegmentParticulars(**row) for row in _rows(connection, "particulars")),
        acquisition=tuple(AcquisitionTotals(**row) for row in _rows(connection, "acquisition")),
    )


def _rows(connection: "duckdb.DuckDBPyConnection", name: str) -> list[dict[str, Any]]:
    cursor = connection.execute(files("winback.briefs").joinpath(f"{name}.sql").read_text(encoding="utf-8"))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
