"""When to write to the customers of an audience: the lake's events -> the endpoint, in batches.

It is asked when a step is planned and not in the refresh: few of an account's customers are written to on a day, and
the hour should follow what they did until then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from duckdb import DuckDBPyConnection

from winback.accounts import Account
from winback.aws.account_data import AccountData
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.identifiers import AccountId, CustomerKey
from winback.predictions.requests import EndpointUnavailable
from winback.predictions.send_time.asking import Asked, SendHours, ask
from winback.predictions.send_time.lake_events import histories, hours_of_account, open_send_events, open_time_zones


@dataclass(frozen=True)
class AccountEvents:
    """What an account's customers did until `as_of`, opened in DuckDB."""

    connection: DuckDBPyConnection
    account_id: AccountId
    as_of: datetime
    invoke: Callable[[bytes], bytes]

    def hours(
        self, audience: Mapping[CustomerKey, str | None], *, last: Mapping[CustomerKey, SendHours] | None = None
    ) -> Asked:
        """See SendTimeAdvisor.hours."""
        asked_about = histories(self.connection, account_id=self.account_id, as_of=self.as_of, audience=audience)
        return ask(asked_about, self.invoke, last=last, account=hours_of_account(self.connection))


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
        with self.opened(account, as_of) as events:
            return events.hours(audience, last=last)

    @contextmanager
    def opened(self, account: Account, as_of: datetime) -> Iterator[AccountEvents]:
        """Reads the account's orders, touches and zones of the lake once, for several audiences."""
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            data = AccountData(self.lake, account, connection, Path(temporary))
            data.open_orders()
            data.open_touches(as_of)
            open_time_zones(connection, json_lines=data.customer_files, as_of=as_of)
            open_send_events(connection, account_zone=account.time_zone, until=as_of)
            yield AccountEvents(connection, account.account_id, as_of, self.invoke)


class StepHours:
    """Answers the planner chunk after chunk: what one step's chunks share is read once and kept until the next step.

    An endpoint that did not answer is not asked again for the step by this process: a batch may cost its minute, and a
    step has thousands of chunks. The account's own hours hold instead.
    """

    def __init__(self, advisor: SendTimeAdvisor) -> None:
        self._advisor = advisor
        self._kept: tuple[AccountId, datetime, AccountEvents] | None = None
        self._closing = ExitStack()

    def __call__(
        self, account: Account, customers: Mapping[CustomerKey, str | None], as_of: datetime
    ) -> dict[CustomerKey, Sequence[float]]:
        """Of each customer the 168 hours of its week, wherever they come from."""
        events = self._events(account, as_of)
        asked = events.hours(customers)
        if asked.failures:
            self._kept = account.account_id, as_of, replace(events, invoke=_silent)
        return {each.customer_key: each.distribution for each in asked.hours}

    def _events(self, account: Account, as_of: datetime) -> AccountEvents:
        if self._kept is None or self._kept[:2] != (account.account_id, as_of):
            self._kept = None
            self._closing.close()
            events = self._closing.enter_context(self._advisor.opened(account, as_of))
            self._kept = account.account_id, as_of, events
        return self._kept[2]


def _silent(_body: bytes) -> bytes:
    raise EndpointUnavailable("it did not answer for an earlier chunk of the step")
