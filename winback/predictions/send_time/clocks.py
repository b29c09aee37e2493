"""How the clocks of several zones run, as a table that SQL joins to turn instants into local hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from duckdb import DuckDBPyConnection

from winback.predictions.send_time.hours import offset_spans

_DAY = timedelta(days=1)


def create_zone_offsets(
    connection: DuckDBPyConnection, zones: Iterable[str], since: datetime | None, until: datetime | None
) -> None:
    """Makes the table `zone_offsets` (zone, since TIMESTAMP, until TIMESTAMP, offset_seconds BIGINT) of IANA zones.

    The times are UTC and cover both instants (aware; None: nothing to cover). Raises ZoneInfoNotFoundError.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE zone_offsets "
        "(zone VARCHAR, since TIMESTAMP, until TIMESTAMP, offset_seconds BIGINT)"
    )
    if since is None or until is None:
        return
    names: list[str] = []
    spans = []
    for name in sorted(set(zones)):
        for span in offset_spans(ZoneInfo(name), since - _DAY, until + _DAY):
            names.append(name)
            spans.append(span)
    if spans:
        connection.execute(
            "INSERT INTO zone_offsets SELECT unnest($zones), unnest($since), unnest($until), unnest($offsets)",
            {
                "zones": names,
                "since": [span.since.astimezone(UTC).replace(tzinfo=None) for span in spans],
                "until": [span.until.astimezone(UTC).replace(tzinfo=None) for span in spans],
                "offsets": [int(span.offset.total_seconds()) for span in spans],
            },
        )
