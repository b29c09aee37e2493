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
from winback.aws.account_data import AccountData
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.identifiers import CustomerKey
from winback.predictions.send_time.asking import Asked, SendHours, ask
from winback.predictions.send_time.lake_events import histories, hours_of_account, open_send_events, open_time_zones


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
            data = AccountData(self.lake, account, connection, Path(temporary))
            data.open_orders()
            data.open_touches(as_of)
            open_time_zones(connection, json_lines=data.customer_files, as_of=as_of)
            open_send_events(connection, account_zone=account.time_zone, until=as_of)
            asked_about = histories(connection, account_id=account.account_id, as_of=as_of, audience=audience)
            own = hours_of_account(connection)
        return ask(asked_about, self.invoke, last=last, account=own)
