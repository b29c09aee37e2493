"""The step of a refresh that values customers: computed snapshot -> lifetime.parquet and lifetime.json.

An account that cannot be fitted is no failure: lifetime.json says why, and the customers get their segment's value, or
none. Without lifetime.parquet, too, the snapshot is published: its customers have no value then.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from winback.aws.lake import Lake
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotStore
from winback.predictions.lifetime.snapshot import Fit, fit_in_force, open_buyers, write_predictions
from winback.segmentation.organic_return import WINDOW_DAYS


@dataclass(frozen=True)
class Valuation:
    customers: dict[str, int]
    """How many by where their value is from."""
    fit: Fit
    fresh: bool
    """Whether the fit was made by this refresh."""


@dataclass(frozen=True)
class Valuer:
    lake: Lake
    snapshots: SnapshotStore
    machine: Machine

    def value(self, refresh: Refresh) -> Valuation:
        summary = self.lake.read_json(f"{refresh.work}summary.json")
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            folder = Path(temporary)
            open_buyers(connection, self.lake.download(f"{refresh.work}customers.parquet", folder / "computed.parquet"))
            fit, fresh = fit_in_force(
                connection, self._fit_before(refresh), as_of=refresh.as_of, currency=summary["currency"]
            )
            customers = write_predictions(connection, fit, _organic(summary), folder / "lifetime.parquet")
            self.lake.upload(folder / "lifetime.parquet", f"{refresh.work}lifetime.parquet")
        self.lake.write_json(f"{refresh.work}lifetime.json", fit.model_dump(mode="json"))
        return Valuation(customers, fit, fresh)

    def _fit_before(self, refresh: Refresh) -> Fit | None:
        """That of the latest snapshot, unless an older version of this step made it: then it is made anew."""
        latest = self.snapshots.latest(refresh.account_id)
        found = self.lake.find_json(f"{latest.prefix}lifetime.json") if latest is not None else None
        return Fit.model_validate(found) if found is not None and found.get("version") == 1 else None


def _organic(summary: dict[str, Any]) -> list[dict[str, object]]:
    """What customers of the segments purchased in the 91 days before, of the segments of which it is told."""
    return [
        {
            "segment": row["segment"],
            "customers": row["organic"]["customers"],
            "purchased_minor": row["organic"]["purchased_minor"],
            "days": WINDOW_DAYS,
        }
        for row in summary["priorities"]
        if row.get("organic") and row["organic"]["share"] is not None
    ]
