"""One sender beside a bare loop of `send_email`, with the same provider: by calls that wait, and on the emulator.

The sender makes four calls of tables a message beside the provider's, and keeps eight rows on their way at a time. In
AWS both wait for the network, so that the eight make up for the calls; that is measured with calls that wait as long as
winback/costs/counted.json assumes. On the emulator nothing waits: one process answers all calls of tables one after
the other, each as dear as a mail, and what is measured is that process.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Lock
from time import perf_counter, sleep
from types import SimpleNamespace
from typing import Any

import boto3

from local import cloud
from local.emulator import aws_environment, base_environment, start_emulator, wait_for_emulator
from local.inprocess.lake import MemoryS3
from local.inprocess.scenario import ACCOUNT, ZONES, campaign, customer_keys
from local.inprocess.tables import MemoryDatabase
from local.mail.client import MailClient
from local.place import ROOT, Place, RunningProcess, State
from local.processes import free_port, start, stop, wait_until
from local.tables import new_table
from winback.aws import keys
from winback.aws.channels.ses import SesProvider, ses_client
from winback.aws.clock import SystemClock
from winback.aws.dispatch import Dispatch
from winback.aws.due import DueEntry
from winback.aws.lake import Lake, launch_prefix
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts, SharedTable, table
from winback.campaigns.launch import Launch, LaunchState
from winback.delivery.answers import Accepted
from winback.delivery.channels import ChannelName
from winback.delivery.release import MESSAGE_ROWS, Release, message_bounds
from winback.identifiers import CampaignId, LaunchId, SendId, SnapshotId
from winback.instants import format_instant

MAILS, ROUNDS, THREADS = 500, 3, 8
TABLE_SECONDS, PROVIDER_SECONDS = 0.005, 0.060
BUDGET = 0.8  # of the bare loop's rate
_TABLES = ("campaigns", "customers", "performance")
_CONFIGURATION_SET = "winback-local"
_NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


def run(small: bool) -> None:
    mails = MAILS // 5 if small else MAILS
    _waiting(mails)
    with _emulator() as state:
        os.environ |= {**aws_environment(state), "AWS_ENDPOINT_URL_SESV2": state.mail_url}
        _make_tables()
        bare, sender = [], []
        for number in range(ROUNDS):
            bare.append(_rate(mails, lambda: _bare_loop(mails)))
            ses = SesProvider(ses_client(), _CONFIGURATION_SET, tenants=False)
            tables = [SharedTable(table(name)) for name in _TABLES]
            dispatch, releases = _prepared(mails, number, tables, Lake("bench-lake"), ses)
            sender.append(_rate(mails, lambda d=dispatch, r=releases: _send(d, r)))  # type: ignore[misc]
    _print("on the emulator", median(bare), median(sender))


def _print(where: str, bare: float, sender: float) -> None:
    print(
        f"  {where:16} bare loop {bare:6.1f} mails/s, sender {sender:6.1f}, "
        f"ratio {sender / bare:.2f} (budget: {BUDGET} or more)"
    )


class _Waits:
    """A table or provider whose every call takes its time, whatever else is under way, and then does its work alone."""

    def __init__(self, one: Any, seconds: float, lock: Lock) -> None:
        self._one, self._seconds, self._lock = one, seconds, lock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._one, name)
        if name == "meta":
            return SimpleNamespace(client=_Waits(found.client, self._seconds, self._lock))
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            sleep(self._seconds)
            with self._lock:
                return found(*arguments, **named)

        return call


def _waiting(mails: int) -> None:
    """Both on tables in memory."""
    database, lock = MemoryDatabase(), Lock()
    tables = [_Waits(database.table(name), TABLE_SECONDS, lock) for name in _TABLES]
    provider = _Waits(_Takes(), PROVIDER_SECONDS, lock)
    dispatch, releases = _prepared(mails, 0, tables, Lake("bench-lake", MemoryS3()), provider)
    sender = _rate(mails, lambda: _send(dispatch, releases))
    bare = _rate(20, lambda: _deliver(provider, 20))
    _print("by waiting calls", bare, sender)


def _deliver(provider: Any, mails: int) -> None:
    for _ in range(mails):
        provider.deliver(None)


class _Takes:
    def deliver(self, _: Any) -> Accepted:
        return Accepted("m-1")


def _rate(mails: int, work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return mails / (perf_counter() - started)


def _bare_loop(mails: int) -> None:
    ses = ses_client()
    for number in range(mails):
        body = {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}}
        ses.send_email(
            FromEmailAddress=ACCOUNT.sender.email,
            Destination={"ToAddresses": [f"c{number}@example.com"]},
            Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": body}},
            ConfigurationSetName=_CONFIGURATION_SET,
        )


def _send(dispatch: Dispatch, releases: list[Release]) -> None:
    accepted = sum(dispatch.send(release, lambda: 60.0).outcomes["accepted"] for release in releases)
    expected = sum(release.to_row - release.from_row for release in releases)
    if accepted != expected:
        raise RuntimeError(f"{accepted} of {expected} mails were accepted")


def _prepared(
    mails: int, number: int, tables: Sequence[Any], lake: Lake, provider: Any
) -> tuple[Dispatch, list[Release]]:
    """A running launch of its own, its plan in the lake, its customers in the table."""
    account = ACCOUNT
    launch_id = LaunchId(f"lau-{number:012x}")
    customers = customer_keys(mails, account, first=number * mails)
    Accounts(tables[0]).put(account)
    launch = Launch.prepare(
        account.account_id,
        launch_id,
        CampaignId("cmp-000000000001"),
        campaign(),
        SnapshotId("snp-000000000001"),
        prefix=launch_prefix(account.account_id, launch_id),
        starts_at=_NOW - timedelta(hours=1),
        now=_NOW - timedelta(days=1),
        zone=account.zone,
    ).model_copy(update={"state": LaunchState.RUNNING})
    LaunchStore(tables[0]).create(launch)
    consent = {"email": {"state": "granted", "at": format_instant(_NOW), "source": "import"}}
    for place, customer in enumerate(customers):
        profile = {"email": f"c{place}.{number}@example.com", "first_name": "Ada", "consent": consent, **ZONES[0]}
        tables[1].put_item(Item={**keys.profile(account.account_id, customer), **profile})
    key = f"{launch.prefix}plan-live/step-1/chunk-00000.jsonl.gz"
    lake.write_rows(
        key,
        [
            {
                "customer_key": customer,
                "send_id": str(SendId(account.account_id, launch_id, 1, customer)),
                "arm": "treatment",
                "variants": {},
                "segment": "Slipping VIPs",
                "channel": "email",
                "send_at": format_instant(_NOW),
                "verdict": "allow",
                "reasons": [],
                "offer_id": None,
            }
            for customer in customers
        ],
    )
    entry = DueEntry("email", account.account_id, launch_id, 1, 0, key, 0, mails, _NOW)
    dispatch = Dispatch(
        campaigns_table=tables[0],
        customers_table=tables[1],
        performance_table=tables[2],
        lake=lake,
        providers={ChannelName.EMAIL: provider},
        signing_key=lambda: "secret",
        clock=SystemClock(lambda: _NOW),
        wall=SystemClock().now,
        threads=THREADS,
    )
    return dispatch, [Release.of(entry, *bounds) for bounds in message_bounds(0, mails, MESSAGE_ROWS)]


def _make_tables() -> None:
    for name in _TABLES:
        new_table(name)
    boto3.client("s3").create_bucket(Bucket="bench-lake")
    boto3.client("sns").create_topic(Name="bench-feedback")


@contextmanager
def _emulator() -> Iterator[State]:
    place = Place(ROOT / "build" / "bench" / "sender")
    place.make()
    ports = free_port(), free_port()
    state = State(
        endpoint_url=f"http://127.0.0.1:{ports[0]}",
        mail_url=f"http://127.0.0.1:{ports[1]}",
        secret_key=cloud.new_secret(),
    )
    running: list[RunningProcess] = []
    try:
        running.append(start_emulator(place, port=ports[0], secret_key=state.secret_key))
        wait_for_emulator(place, running[0], state.endpoint_url)
        names = ["--topic", "bench-feedback", "--configuration-set", _CONFIGURATION_SET, "--identity", "acme.example"]
        record = place.directory / "mail.jsonl"
        quota = ["--rate", "100000", "--daily", "1000000"]
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "local.mail.server",
            "--port",
            str(ports[1]),
            "--record",
            record,
            *names,
        ]
        env = {**base_environment(place), **aws_environment(state)}
        running.append(start("mail", [*command, *quota], log=place.logs / "mail.log", env=env, cwd=ROOT))
        wait_until(MailClient(state.mail_url).healthy, seconds=30, process=running[1])
        yield state
    finally:
        stop(running)
