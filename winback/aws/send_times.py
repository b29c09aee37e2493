"""When to write to the customers of an audience: the lake's events -> the endpoint, in batches.

It is asked when a step is planned and not in the refresh: few of an account's customers are written to on a day, and
the hour should follow what they did until then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from winback.accounts import Account
from winback.aws.lake import Lake, customers_prefix, engagement_prefix, orders_prefix, rates_prefix
from winback.aws.refresh import Machine, download_all
from winback.engagement.relations import open_touches
from winback.identifiers import CustomerKey
from winback.predictions.send_time.asking import Asked, SendHours, ask
from winback.predictions.send_time.lake_events import histories, hours_of_account, open_send_events, open_time_zones
from winback.segmentation.order_files import OrderFiles, open_orders


@dataclass(frozen=True)
class SendTimeAdvisor:
    """`invoke` sends one request body to the send-time endpoint (winback.aws.endpoints.ModelEndpoint.invoke)."""

    lake: Lake
    machine: Machine
    invoke: Callable[[bytes], bytes]

    def hours(
        self,
        account: Account,
        audience: Mapping[CustomerKey, str | None],
        as_of: datetime,
        *,
        last: Mapping[CustomerKey, SendHours] | None = None,
    ) -> Asked:
        """Of each customer (key -> its segment) the distribution and where it comes from, by what is known at `as_of`.

        Where the endpoint gives no answer: the customer's `last` one, else the account's own hours. Raises what
        winback.predictions.send_time.asking.ask raises.
        """
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            folder, account_id = Path(temporary), account.account_id
            orders = OrderFiles.of(download_all(self.lake, orders_prefix(account_id), folder / "orders"))
            open_orders(
                connection,
                parquet=orders.parquet,
                json_lines=orders.json_lines,
                currency=account.currency,
                rates=download_all(self.lake, rates_prefix(account_id), folder / "rates"),
            )
            touches = OrderFiles.of(download_all(self.lake, engagement_prefix(account_id), folder / "touches"))
            open_touches(connection, parquet=touches.parquet, json_lines=touches.json_lines, as_of=as_of)
            customers = download_all(self.lake, customers_prefix(account_id), folder / "customers")
            open_time_zones(connection, json_lines=customers, as_of=as_of)
            open_send_events(connection, account_zone=account.time_zone, until=as_of)
            asked_about = histories(connection, account_id=account_id, as_of=as_of, audience=audience)
            own = hours_of_account(connection)
        return ask(asked_about, self.invoke, last=last, account=own)
