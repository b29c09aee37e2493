"""One campaign in this process: the functions' own handlers on moto, from the audience to the report.

Every state of the workflows, every message of the queue and every event of the provider is passed on by hand, as AWS
would; what the handlers ask of AWS on the way is counted by `bench._meter`, by cause.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from moto import mock_aws

from bench._campaign_cloud import ACCOUNT_ID, LAUNCH, START, Cloud
from bench._campaign_events import at_minute, heard, of_api, of_queue, of_stream, orders, sample, taken
from bench._invocations import Invocations
from bench._meter import CHUNK, Meter, size_of
from local.inprocess.scenario import ACCOUNT
from local.mail.messages import Message
from winback.campaigns.launch import LaunchState
from winback.costs.counted import Measure

FEEDBACK_BATCH = 50  # the queue gathers for five seconds, at most 100: half full
SENDER_BATCH = 2
POLL = 10  # messages that Lambda receives at a time, and deletes
EXPORT_BATCH = 10_000
ORDER_BATCH = 100
# Cause -> what it is counted by, and what it does.
CAUSES = {
    "audience": (Measure.CANDIDATE, "candidates, eligibility, holdout and variants"),
    "planning": (Measure.PLANNED, "gate, channel and time of each step: the dry run's and the live plan"),
    "releasing": (Measure.MESSAGE, "due index, quota, queue"),
    "sending": (Measure.MESSAGE, "facts, contact, claim, provider, record"),
    "feedback": (Measure.MESSAGE, "the provider's events into the ledger"),
    "export": (Measure.MESSAGE, "changes of the ledger into the lake"),
    "reporting": (Measure.MESSAGE, "adding up the dry run, reading the ledger for the report"),
    "following": (Measure.LAUNCH, "the workflows' own states over 91 days"),
    "import": (Measure.ORDER, "orders and customers of the store, in batches of a hundred"),
    "idle": (Measure.MINUTE, "a minute in which nothing is due"),
}
_OF_LAUNCH = {"account_id": ACCOUNT_ID, "launch_id": LAUNCH}


@dataclass
class Campaign:
    """What was run, and what counted it."""

    meter: Meter
    invocations: Invocations
    candidates: int
    planned: int = 0
    messages: int = 0
    events: int = 0
    transitions: Counter[str] = field(default_factory=Counter)
    ledger_bytes: int = 0
    contact_bytes: int = 0


def run(customers: int, new_orders: int) -> Campaign:
    """A campaign of two e-mails to so many customers, and the import of so many orders."""
    asks_the_dns = patch("winback.aws.preflight.Preflight.check", return_value=())
    with mock_aws(), asks_the_dns, TemporaryDirectory() as folder:
        cloud = Cloud()
        cloud.populate(customers, Path(folder))
        campaign = Campaign(cloud.meter, Invocations(cloud.meter), customers)
        stages = _Stages(campaign, cloud)
        stages.take_in(new_orders)
        stages.prepare()
        stages.send()
        stages.report()
        stages.idle()
        stages.weigh()
        return campaign


class _Stages:
    """Of the campaign, in their order."""

    def __init__(self, campaign: Campaign, cloud: Cloud) -> None:
        self.campaign, self._cloud = campaign, cloud
        self._taken: list[Message] = []
        self._meter = campaign.meter
        self._meter.on_send_email = self._take
        self._meter.follow("performance", "send#")

    def take_in(self, new_orders: int) -> None:
        for start in range(0, new_orders, ORDER_BATCH):
            body = {"orders": orders(start, ORDER_BATCH, self.campaign.candidates, ACCOUNT.currency)}
            event = of_api("api_intake", ACCOUNT_ID, "POST", "/v1/orders:batch", body)
            answer = self._invoke("import", "api_intake", event, count=ORDER_BATCH)
            if answer["statusCode"] >= 300:
                raise RuntimeError(answer["body"])
            self._meter.usage["import"].units["api_request"] += 1

    def prepare(self) -> None:
        """The dry run, and its approval."""
        found = self._invoke("audience", "launch_candidates", _OF_LAUNCH, count=self.campaign.candidates)
        lines = self._cloud.lake.read_rows(found["manifest"])
        for line in lines:
            self._invoke("audience", "launch_enrol", line, transitions=2)
        for line in lines:
            for step in found["steps"]:
                self._plan(line, step, "dry_run", transitions=1)
            self.campaign.transitions["planning"] += 2  # the child execution's start, its map
        self._invoke("reporting", "launch_summary", {**_OF_LAUNCH, "steps": found["steps"]})
        self.campaign.transitions["following"] += 12
        launch = self._cloud.launches.get(ACCOUNT_ID, LAUNCH)
        self._cloud.launches.save(launch.model_copy(update={"state": LaunchState.RUNNING, "started_at": START}))

    def _plan(self, line: Mapping[str, Any], step: int, mode: str, *, transitions: int) -> None:
        self._invoke("planning", "launch_plan", {**line, "step": step, "mode": mode}, transitions=transitions)
        rows = self._cloud.rows(f"plan-{mode}/step-{step}/chunk-{line['chunk']:05d}.jsonl.gz")
        self.campaign.planned += len(rows)
        self._meter.usage["planning"].count += len(rows)

    def send(self) -> None:
        for planned in self._cloud.launches.get(ACCOUNT_ID, LAUNCH).steps:
            self._cloud.clock.set(planned.planned_at)
            for line in self._cloud.rows("candidates/manifest.jsonl"):
                self._plan(line, planned.step, "live", transitions=2)
            self.campaign.transitions["following"] += 6  # the loop's own states for one step
            minute, waiting = planned.planned_at, True
            while waiting:
                minute += timedelta(minutes=1)
                self._cloud.clock.set(minute)
                self._invoke("releasing", "feeder", at_minute(minute))
                waiting = self._dispatch()
            self._hear_back(minute)

    def _dispatch(self) -> bool:
        """What is in the queue goes to the sender. False when there was nothing."""
        bodies = self._cloud.taken_from_queue()
        for start in range(0, len(bodies), SENDER_BATCH):
            before = len(self._taken)
            self._invoke("sending", "sender", of_queue("sender", bodies[start : start + SENDER_BATCH]))
            sent = len(self._taken) - before
            for cause in ("releasing", "sending", "feedback", "export", "reporting"):
                self._meter.usage[cause].count += sent
            self.campaign.messages += sent
            self._poll("sending", SENDER_BATCH)
        self._export()
        return bool(bodies)

    def _take(self, request: Mapping[str, Any]) -> str:
        message = taken(request, len(self._taken), START)
        self._taken.append(message)
        return message.message_id

    def _hear_back(self, moment: datetime) -> None:
        """The provider's events about the messages it took."""
        bodies = list(heard(self._taken, moment))
        self._taken = []
        for start in range(0, len(bodies), FEEDBACK_BATCH):
            batch = bodies[start : start + FEEDBACK_BATCH]
            self._invoke("feedback", "feedback", of_queue("feedback", batch))
            self._poll("feedback", len(batch))
        usage = self._meter.usage["feedback"]
        chunks = sum(-(-len(body.encode()) // CHUNK) for body in bodies)
        usage.units["sns_publish"] += chunks
        usage.units["sqs_request"] += chunks  # the topic puts each event into the queue
        self.campaign.events += len(bodies)
        self._export()

    def _poll(self, cause: str, messages: int) -> None:
        """What Lambda asks of the queue on our behalf: it receives and deletes."""
        self._meter.usage[cause].units["sqs_request"] += 2 * ceil(messages / POLL)

    def _export(self) -> None:
        changes = self._meter.taken_changes()
        for start in range(0, len(changes), EXPORT_BATCH):
            event = of_stream(changes[start : start + EXPORT_BATCH], start)
            self._invoke("export", "engagement_export", event)

    def report(self) -> None:
        launch = self._cloud.launches.get(ACCOUNT_ID, LAUNCH)
        self._cloud.clock.set(launch.evaluation_ends_at)
        self._invoke("reporting", "launch_report", _OF_LAUNCH)
        self.campaign.transitions["following"] += 3
        looks = (launch.evaluation_ends_at - START).days
        for _ in range(looks):  # it looks once a day: what is next, act, wait
            self._invoke("following", "launch_clock", sample("launch_clock", **_OF_LAUNCH), transitions=3)
        self._meter.usage["following"].count = 1

    def idle(self) -> None:
        self._invoke("idle", "feeder", at_minute(datetime(2026, 12, 1, tzinfo=UTC)), count=1)

    def weigh(self) -> None:
        """What of the launch stays: rows of the ledger, and contact lists."""
        for item in self._cloud.performance_items():
            size = size_of(item) + 100  # https://aws.amazon.com/dynamodb/pricing/on-demand/: 100 bytes an item
            if item["sk"]["S"].startswith("send#"):
                self.campaign.ledger_bytes += size
            else:
                self.campaign.contact_bytes += size

    def _invoke(
        self, cause: str, function: str, event: Mapping[str, Any], *, count: int = 0, transitions: int = 0
    ) -> Any:
        self.campaign.transitions[cause] += transitions
        return self.campaign.invocations.run(cause, function, event, count=count)
