"""A launch from its candidates to its reports in one process, on winback.aws's own classes.

What AWS does around them is here: Step Functions repeats a task that failed, EventBridge calls the feeder each minute,
SQS hands messages out again, Lambda ends a sender after its time. Time is simulated; it goes from minute to minute, and
over the stretches in which nothing is due. One worker does everything, so a run is repeatable.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from local.inprocess.clock import SimulatedClock
from local.inprocess.hooks import Hook, Killed, NoFaults
from local.inprocess.lake import MemoryS3
from local.inprocess.provider import MemoryProvider, Taken
from local.inprocess.queue import Disorder, MemoryQueue, Message
from local.inprocess.reports import Reactions, events_of, wants_out
from local.inprocess.tables import MemoryDatabase
from local.inprocess.windows import Windows
from local.inprocess.workers import Workers
from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.accounts.look import Look
from winback.aws import keys
from winback.aws.documents import from_item
from winback.aws.lake import Lake, Row, launch_prefix
from winback.aws.launch_files import LaunchFiles, Mode
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.progress import Action, Execution, Next
from winback.delivery.feedback import read_event
from winback.delivery.feeding import SendQuota
from winback.delivery.ledger import EventKind, FeedbackEvent
from winback.delivery.release import Release
from winback.identifiers import CampaignId, CustomerKey, LaunchId, SendId, SnapshotId
from winback.instants import format_instant, parse_instant
from winback.offers.offer import Offer

SENDER_SECONDS, VISIBILITY = 60.0, timedelta(minutes=6)  # as the stage has them
MESSAGES_AT_ONCE = 2
MAX_RECEIVES = 10
_ATTEMPTS = 50  # of one task, by its workflow
_MINUTE = timedelta(minutes=1)
T = TypeVar("T")


class Stuck(RuntimeError):
    """Something stayed due and nothing happened any more."""


@dataclass
class Progress:
    """What the execution that follows a launch knows."""

    moves_done: int = 0
    continuation: int = 0
    looks: int = 0


@dataclass
class Engine:
    """`errors` counts what its tasks met and survived. `before_minute` may interfere: pause, cancel, break."""

    account: Account
    clock: SimulatedClock
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    hook: Hook = field(default_factory=NoFaults)
    per_second: float = 500.0
    chunk_rows: int = 500
    disorder: Disorder = field(default_factory=Disorder)
    reactions: Reactions = field(default_factory=Reactions)
    before_minute: Callable[["Engine"], None] = lambda _engine: None
    early_feedback: float = 0.0  # share of messages whose events come before the provider's answer
    repeated_feedback: float = 0.0  # share of messages whose events come twice, in any order
    threads: int = 1  # rows that a sender has on their way at a time; with several, a run cannot be repeated
    errors: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.windows = Windows()
        self.database = MemoryDatabase(watch=self.windows.see)
        self.campaigns, self.customers = self.database.table("campaigns"), self.database.table("customers")
        self.performance = self.database.table("performance")
        self.s3 = MemoryS3()
        self.lake = Lake("lake", self.s3)
        self.unmet_lake = Lake("lake", MemoryS3(objects=self.s3.objects))  # the same objects, which no fault meets
        self.queue = MemoryQueue(
            "sends", self.clock.wall, self.chance, VISIBILITY, MAX_RECEIVES, disorder=self.disorder
        )
        self.provider = MemoryProvider(self.clock.wall, tell=self._told_early)
        self.following: dict[LaunchId, Progress] = {}
        self.workers = Workers(self)
        self.workers.accounts.put(self.account)

    def meet(self, hook: Hook) -> None:
        """From now on all calls pass the hook."""
        self.hook = self.database.hook = self.s3.hook = self.queue.hook = self.provider.hook = hook

    def start_anew(self, threads: int) -> None:
        """Other processes, whose senders have so many threads."""
        self.threads = threads
        self.workers = Workers(self)

    # What is there before a launch

    def add_customers(self, customers: Iterable[tuple[CustomerKey, Mapping[str, Any]]]) -> None:
        """Profiles, with consent on every channel unless they say otherwise."""
        at = format_instant(self.clock.now())
        consent = {channel.value: {"state": "granted", "at": at, "source": "import"} for channel in ChannelName}
        with self.customers.batch_writer() as writer:
            for customer, profile in customers:
                writer.put_item({**keys.profile(self.account.account_id, customer), "consent": consent, **profile})

    def prepare(
        self,
        definition: CampaignDefinition,
        candidates: Iterable[Row],
        launch_id: str = "lau-000000000001",
        *,
        starts_at: datetime | None = None,
        offers: tuple[Offer, ...] = (),
    ) -> Launch:
        """The approved launch of the candidates: rows of winback.aws.candidates.COLUMNS by customer key."""
        launch = self.create(definition, candidates, launch_id, starts_at=starts_at, offers=offers)
        self.enrol(launch)
        return self.approve(launch)

    def create(
        self,
        definition: CampaignDefinition,
        candidates: Iterable[Row],
        launch_id: str,
        *,
        starts_at: datetime | None = None,
        offers: tuple[Offer, ...] = (),
    ) -> Launch:
        """With its candidates in chunks."""
        now = self.clock.now()
        launch = Launch.prepare(
            self.account.account_id,
            LaunchId(launch_id),
            CampaignId(launch_id.replace("lau", "cmp")),
            definition,
            SnapshotId("snp-000000000001"),
            prefix=launch_prefix(self.account.account_id, launch_id),
            starts_at=starts_at or now,
            now=now,
            zone=self.account.zone,
            offers=offers,
            look=Look.of(self.account),
        )
        files, lines = LaunchFiles(self.lake, launch), list[Row]()
        for chunk, rows in enumerate(_chunked(candidates, self.chunk_rows)):
            self.lake.write_rows(files.candidates_key(chunk), rows)
            place = {"first": rows[0]["customer_key"], "last": rows[-1]["customer_key"], "rows": len(rows)}
            lines.append({"account_id": launch.account_id, "launch_id": launch_id, "chunk": chunk, **place})
        self.lake.write_rows(files.manifest_key, lines)
        self.workers.launches.create(launch)
        return launch

    def enrol(self, launch: Launch) -> None:
        def enrol(chunk: int) -> None:
            self.task(lambda w: w.enroller.enrol(launch.account_id, launch.launch_id, chunk))

        for chunk in range(self.chunks(launch)):
            enrol(chunk)

    def approve(self, launch: Launch) -> Launch:
        """After its dry run, whose plans are those of every step."""
        for planned in launch.steps:
            self.plan(launch, planned.step, "dry_run")
        self.following[launch.launch_id] = Progress()
        return self.task(lambda w: self._approved(w, launch.launch_id))

    def _approved(self, workers: Workers, launch_id: LaunchId) -> Launch:
        launch = workers.launches.get(self.account.account_id, launch_id)
        if launch.state is LaunchState.DRAFT:
            launch = workers.dry_runs.summarise(launch.account_id, launch_id)
        if launch.state is LaunchState.AWAITING_APPROVAL:
            approved = launch.approved("somebody", launch.dry_run or "", self.clock.now())
            launch = workers.launches.save(approved)
        return launch

    def chunks(self, launch: Launch) -> int:
        return len(LaunchFiles(self.unmet_lake, launch).manifest())

    # The workflow

    def follow(self, launch_id: LaunchId) -> Launch:
        """What the campaign's execution does until it waits or stops."""
        known = self.following[launch_id]
        while True:
            known.looks += 1
            launch, coming = self._look(launch_id, known)
            known.moves_done = launch.moves_done
            match coming.action, coming.number:
                case Action.PLAN, int(step):
                    self.plan(launch, step, "live")
                    known.moves_done += 1
                case Action.EVALUATE, int(branch):
                    self.evaluate(launch, branch)
                    known.moves_done += 1
                case Action.CONTINUE, _:
                    known.continuation, known.looks = launch.continuation, 0
                case _:
                    return launch

    def _look(self, launch_id: LaunchId, known: Progress) -> tuple[Launch, Next]:
        execution = Execution(known.continuation, known.looks, timedelta(0))
        return self.task(lambda w: w.follower.look(self.account.account_id, launch_id, execution, known.moves_done))

    def plan(self, launch: Launch, step: int, mode: Mode) -> None:
        def plan(chunk: int) -> None:
            self.task(lambda w: w.planner.plan(launch.account_id, launch.launch_id, step, chunk, mode))

        for chunk in range(self.chunks(launch)):
            plan(chunk)

    def evaluate(self, launch: Launch, branch: int) -> None:
        def evaluate(chunk: int) -> None:
            self.task(lambda w: w.evaluator.evaluate(launch.account_id, launch.launch_id, branch, chunk))

        for chunk in range(self.chunks(launch)):
            evaluate(chunk)

    def feed(self) -> Counter[str]:
        """One run of the feeder. EventBridge calls it again in a minute, whatever becomes of it."""
        fed = self.attempt(lambda w: w.feeder.feed(self.clock.now(), self.clock.wall(), lambda: SENDER_SECONDS))
        if fed is None:
            return Counter()
        for error in fed.errors.values():
            self._failed(error)
        return fed.total

    def send(self) -> Counter[str]:
        """Hands all visible messages to the sender, some at a time; one that fails stays, and is seen again."""
        outcomes: Counter[str] = Counter()
        while messages := self.queue.receive(MESSAGES_AT_ONCE):
            outcomes += self.call_sender(messages)
        return outcomes

    def call_sender(self, messages: Sequence[Message]) -> Counter[str]:
        """One call of the function, with messages that were received."""
        ends_at = self.clock.moment + timedelta(seconds=SENDER_SECONDS)
        outcomes: Counter[str] = Counter()
        try:
            for message in messages:
                outcomes += self._send(message, lambda: self.clock.seconds_until(ends_at))
        except Killed:
            return outcomes  # what was not finished comes back
        return outcomes

    def _send(self, message: Message, seconds_left: Callable[[], float]) -> Counter[str]:
        report = self.attempt(
            lambda w: w.dispatch.send(Release.from_json(message.body), seconds_left), killed_ends_it=True
        )
        if report is None:
            return Counter()
        if not report.come_back:
            self.queue.delete(message)
        return report.outcomes

    def report(self) -> int:
        """What the provider took, told event by event; how many events."""
        taken, told = self.provider.collect(), 0
        for one in taken:
            told += self.tell(one)
        return told

    def tell(self, taken: Taken) -> int:
        events = list(events_of(taken, self.reactions, self.chance))
        if self.chance.random() < self.repeated_feedback:
            events += events
            self.chance.shuffle(events)
        for event in events:
            self.hear(event)
        if wants_out(self.reactions, self.chance):
            self.unsubscribe(taken.send_id)
        return len(events)

    def _told_early(self, taken: Taken) -> bool:
        if self.chance.random() >= self.early_feedback:
            return False
        self.tell(taken)
        return True

    def hear(self, event: Mapping[str, Any]) -> None:
        self.task(lambda w: w.feedback.apply(read_event(event)))

    def unsubscribe(self, send_id: SendId) -> None:
        now = self.clock.now()
        self.task(
            lambda w: w.suppressions.unsubscribe(self.account, send_id.customer_key, "email", at=now, send_id=send_id)
        )
        self.task(lambda w: w.feedback.record(send_id, FeedbackEvent(EventKind.UNSUBSCRIBED, now), "email"))

    # Time

    def minute(self) -> None:
        """Everything that happens in the coming minute."""
        ends_at = self.clock.moment.replace(second=0, microsecond=0) + _MINUTE
        self.before_minute(self)
        for launch_id in self.following:
            self.follow(launch_id)
        self.feed()
        while (visible_at := self.queue.next_visible_at) is not None and visible_at < ends_at:
            self.clock.move_to(visible_at)
            self.send()
        self.report()
        self.clock.move_to(ends_at)

    def run(self, *, minutes: int = 20_000, until: datetime | None = None) -> None:
        """Until all launches have made their moves and nothing is due, or until a moment. Raises Stuck."""
        for _ in range(minutes):
            self.minute()
            coming = self.next_moment()
            if coming is None or (until is not None and self.clock.moment >= until):
                return
            self.clock.move_to(min(coming, until) if until is not None else coming)
        raise Stuck(f"still busy after {minutes} minutes: {dict(self.errors)}")

    def next_moment(self) -> datetime | None:
        """When something happens next; None when nothing is left to happen."""
        moments = [parse_instant(order[0].partition("#")[0]) for _, order in self.campaigns.sort_keys("due#") if order]
        if (visible_at := self.queue.next_visible_at) is not None:
            moments.append(visible_at)
        for launch_id, known in self.following.items():
            launch = self.launch(launch_id)
            if launch.state is LaunchState.PAUSED:
                moments.append(self.clock.moment)  # for somebody to resume it
            if launch.state in (LaunchState.SCHEDULED, LaunchState.RUNNING) and known.moves_done < len(launch.moves):
                moments.append(launch.moves[known.moves_done].planned_at)
        return min(moments) if moments else None

    def launch(self, launch_id: LaunchId) -> Launch:
        """As it is stored; no worker's read, and met by no fault."""
        key = keys.launch(self.account.account_id, launch_id)
        return from_item(Launch, self.campaigns.look(key["pk"], key["sk"]) or {})

    # Processes

    def task(self, work: Callable[[Workers], T]) -> T:
        """Repeated until it is done, as a workflow or a queue repeats it. Raises what the last attempt raised."""
        for _ in range(_ATTEMPTS):
            try:
                return work(self.workers)
            except Killed as error:
                self._died(error)
            except Exception as error:  # noqa: BLE001 (whatever it is: it is repeated, and raised below)
                self.errors[type(error).__name__] += 1
        return work(self.workers)

    def attempt(self, work: Callable[[Workers], T], *, killed_ends_it: bool = False) -> T | None:
        """Done once; None when it failed or died. With `killed_ends_it` Killed goes on to the caller."""
        try:
            return work(self.workers)
        except Killed as error:
            self._died(error)
            if killed_ends_it:
                raise
        except Exception as error:  # noqa: BLE001 (counted; what it left undone is for the run to show)
            self._failed(error)
        return None

    def _failed(self, error: Exception) -> None:
        self.errors[type(error).__name__] += 1
        self.windows.interrupt()

    def _died(self, error: BaseException) -> None:
        self.errors[type(error).__name__] += 1
        self.windows.interrupt()
        self.hook.born()
        self.workers = Workers(self)

    # Surroundings

    def quota(self, channel: ChannelName) -> SendQuota:  # noqa: ARG002 (one rate for all)
        return SendQuota(self.per_second)

    def get_account(self) -> dict[str, Any]:
        """SES's answer, for the dry run."""
        return {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": self.per_second, "SentLast24Hours": 0.0}}

    def seconds(self) -> float:
        """The processes' monotonic time."""
        return self.clock.moment.timestamp()


def _chunked(rows: Iterable[Row], size: int) -> Iterable[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
