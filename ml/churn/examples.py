"""Training and evaluation rows: facts of customers at a cut in time, and what they did in the 91 days after it.

Nothing of a row but its label knows an order on or after the cut. A cut may only be used once its label window
has passed entirely.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from ml.churn.inference import FEATURES, NAMES
from ml.churn.train import LABEL
from winback.features import compute_facts

HORIZON = timedelta(days=91)
CUT_SPACING = timedelta(days=28)

CDNOW_FILE = Path("build/datasets/lifetimes/datasets/CDNOW_master.txt")
CDNOW_START = datetime(1997, 1, 1, tzinfo=UTC)
CDNOW_END = datetime(1998, 7, 1, tzinfo=UTC)
"""The first moment that CDNOW's purchases do not cover."""


@dataclass(frozen=True)
class Examples:
    """Rows of one or several cuts: `values` (n, 5) in the order of `NAMES`, `churned` (n,) of 0 and 1."""

    values: NDArray[np.float64]
    churned: NDArray[np.float64]

    @property
    def silence(self) -> NDArray[np.float64]:
        return self.values[:, NAMES.index("silence_days")]

    def __len__(self) -> int:
        return len(self.churned)


class Purchases:
    """Orders in memory: (customer id, UTC instant, amount in minor units)."""

    def __init__(self, orders: Iterable[tuple[str, datetime, int]]) -> None:
        self._connection = duckdb.connect(config={"threads": 2})
        customers, instants, amounts = zip(*orders, strict=True)
        columns = {
            "customer_id": np.array(customers, dtype=object),
            "ordered_at": np.array([instant.replace(tzinfo=None) for instant in instants], dtype="datetime64[us]"),
            "amount_minor": np.array(amounts, dtype=np.int64),
        }
        self._connection.register("columns", columns)
        self._connection.execute("CREATE TABLE orders AS SELECT row_number() OVER () AS order_id, * FROM columns")

    def at(self, cut: datetime, horizon: timedelta = HORIZON) -> Examples:
        """Everybody who purchased before `cut`; churned: without a purchase in [cut, cut + horizon)."""
        compute_facts(self._connection, as_of=cut)
        start = cut.astimezone(UTC).replace(tzinfo=None)
        rows = self._connection.execute(
            f"""SELECT {", ".join(NAMES)}, NOT EXISTS (
                    SELECT 1 FROM orders
                    WHERE orders.customer_id = facts.customer_id AND amount_minor >= 0
                        AND ordered_at >= $start AND ordered_at < $stop
                ) AS {LABEL}
                FROM facts WHERE purchases > 0 ORDER BY customer_id""",  # noqa: S608 (names of the contract)
            {"start": start, "stop": start + horizon},
        ).fetchnumpy()
        values = np.column_stack([np.asarray(rows[name], dtype=np.float64) for name in NAMES])
        return Examples(values, np.asarray(rows[LABEL], dtype=np.float64))

    def over(self, cuts: Iterable[datetime]) -> Examples:
        """The rows of all cuts; a customer occurs once in each of them that it had purchased before."""
        parts = [self.at(cut) for cut in cuts]
        return Examples(np.vstack([part.values for part in parts]), np.concatenate([part.churned for part in parts]))


def training_cuts(until: datetime, start: datetime = CDNOW_START) -> list[datetime]:
    """Cuts four weeks apart, latest first: label windows passed by `until`, and 91 days of history since `start`.

    Raises ValueError when there is none.
    """
    cuts = []
    cut = until - HORIZON
    while cut >= start + HORIZON:
        cuts.append(cut)
        cut -= CUT_SPACING
    if not cuts:
        raise ValueError(f"no cut between {start:%Y-%m-%d} and {until:%Y-%m-%d}: that takes 182 days of orders")
    return cuts


def read_cdnow(path: Path = CDNOW_FILE) -> Purchases:
    """The 69,659 purchases of CDNOW. Raises FileNotFoundError when the data sets are not set up."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: `make setup` fetches it")

    def orders() -> Iterable[tuple[str, datetime, int]]:
        for line in path.read_text().splitlines():
            fields = line.split()
            if fields and fields[0].isdigit():
                day = datetime.strptime(fields[1], "%Y%m%d").replace(tzinfo=UTC)
                yield fields[0], day, round(float(fields[3]) * 100)

    return Purchases(orders())


def write_training_rows(examples: Examples, folder: Path) -> None:
    """The channel `train` of `train.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "examples.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow([*FEATURES, LABEL])
        for values, churned in zip(examples.values.tolist(), examples.churned.tolist(), strict=True):
            writer.writerow([f"{value:.15g}" for value in (*values, churned)])
