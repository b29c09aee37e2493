"""The step of a refresh that recommends: all orders and the computed snapshot's segments -> recommendations.

To everybody each time, also where the snapshot needed the orders of few: what is due changes with every day.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from winback.accounts import Account
from winback.aws.account_data import AccountData
from winback.aws.lake import Lake
from winback.aws.refresh import Machine, Refresh
from winback.recommendations.reading import SUMMARY
from winback.recommendations.writing import write_recommendations
from winback.segmentation.order_files import count_lines

MOST_LINES = 60_000_000
"""Order lines that one call takes within its 15 minutes: 30 million took 291 s of processor time (bench)."""
_SEGMENTS = "segments"


@dataclass(frozen=True)
class Recommender:
    lake: Lake
    machine: Machine
    most_lines: int = MOST_LINES

    def recommend(self, refresh: Refresh, account: Account) -> int:
        """How many customers have recommendations: nobody when no order has lines, or when they are too many."""
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            folder = Path(temporary)
            data = AccountData(self.lake, account, connection, folder)
            if not 0 < count_lines(connection, data.order_files) <= self.most_lines:
                return 0
            data.open_orders()
            computed = self.lake.download(f"{refresh.work}customers.parquet", folder / "computed.parquet")
            rows = connection.read_parquet(str(computed)).project("customer_key AS customer_id, segment")
            rows.create_view(_SEGMENTS)
            written = write_recommendations(
                connection, folder / "recommendations", as_of=refresh.as_of, segments=_SEGMENTS
            )
            if written is None:
                return 0
            for name, path in written.files.items():
                self.lake.upload(path, f"{refresh.work}{name}")
        self.lake.write_json(f"{refresh.work}{SUMMARY}", written.summary)  # last: what it says is there, is
        customers: int = written.summary["customers"]
        return customers
