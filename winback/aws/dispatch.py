"""Wires the sender's ports to the tables, the lake and the channels' providers, for one release after another."""

import secrets
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from winback.accounts import Account
from winback.aws.budgets import Budgets
from winback.aws.circuits import Circuits, StoredCircuit
from winback.aws.clock import Clock
from winback.aws.code_pools import OnLow
from winback.aws.composing import Composer
from winback.aws.contacts import ContactBook
from winback.aws.due import DueIndex
from winback.aws.handout import CodeReserve, Handout, code_of, offered_at, spend_of
from winback.aws.lake import Lake, Row
from winback.aws.launches import UnknownLaunch
from winback.aws.ledger import Ledger
from winback.aws.recipients import Recipient, RecipientStore
from winback.aws.reputation import Reputation
from winback.aws.sending_state import Ground, read_ground
from winback.aws.tables import Accounts, UnknownAccount
from winback.campaigns.contexts import reactions_of, send_context
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.offer_steps import carriers
from winback.campaigns.planning import ALLOW
from winback.delivery.answers import Answer, Throttled
from winback.delivery.channels import ChannelName, Outgoing, Provider
from winback.delivery.circuit import OWN_ENDPOINTS, CircuitState, circuit_of, is_outage
from winback.delivery.feeding import Permit
from winback.delivery.gate import RecipientFacts, SendContext
from winback.delivery.ledger import Description, State
from winback.delivery.release import Release
from winback.delivery.send_ports import PlannedSend
from winback.delivery.sending import Report, Sending, one_after_the_other
from winback.delivery.unsubscribing import unsubscribe_url
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import CustomerKey, SendId

AGAIN_AFTER = timedelta(minutes=1)
_KEPT_CHUNKS = 8  # of at most 1,000 rows each


def permit_of(state: LaunchState) -> Permit:
    """Only a running launch sends; what is over never will; anything else waits."""
    if state is LaunchState.RUNNING:
        return Permit.SEND
    return Permit.DROP if state.over else Permit.WAIT


class Dispatch:
    """Kept between invocations: plan chunks and templates of a launch never change.

    `threads`: rows of a message that are sent at a time; with more than one the tables are SharedTables.
    `on_low_codes`: told when a pool of codes runs low. `texts_from`: the stage's origination identity, or empty.
    """

    def __init__(
        self,
        *,
        campaigns_table: Any,
        customers_table: Any,
        performance_table: Any,
        lake: Lake,
        providers: Mapping[ChannelName, Provider],
        signing_key: Callable[[], str],
        clock: Clock,
        wall: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
        threads: int = 1,
        on_low_codes: OnLow | None = None,
        texts_from: str = "",
    ) -> None:
        self._campaigns, self._performance = campaigns_table, performance_table
        self._accounts = Accounts(campaigns_table, texts_from=texts_from)
        self._due = DueIndex(campaigns_table)
        self._recipients = RecipientStore(customers_table, performance_table)
        self._ledger = Ledger(performance_table)
        self._reputation = Reputation(campaigns_table)
        self._circuits = Circuits(campaigns_table)
        self._budgets = Budgets(campaigns_table)
        self._codes = CodeReserve(campaigns_table, on_low_codes)
        self._composer = Composer(lake)
        self._lake, self._providers, self._signing_key = lake, providers, signing_key
        self._clock, self._wall, self._pause = clock, wall, pause
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._chunks: OrderedDict[str, list[Row]] = OrderedDict()

    def send(self, release: Release, seconds_left: Callable[[], float]) -> Report:
        """Sends the release's rows; those that must wait go back into the due index.

        The launch, the switches and the provider's circuit are read anew each time. While one of them says so nothing
        is claimed; when the launch is over each row is skipped.
        """
        now = self._clock.now()
        try:
            ground = read_ground(self._campaigns, release.account_id, release.launch_id, release.channel)
            release, ground = self._as_probe(release, ground)
            if self._waits(release, ground):
                report = Report(Counter({"waiting": release.to_row - release.from_row}), release.from_row)
            else:
                report = self._send(release, ground, self._accounts.get(release.account_id), now, seconds_left)
        except (UnknownLaunch, UnknownAccount):  # erased, one before the other
            return Report(Counter({"dropped": release.to_row - release.from_row}))
        for from_row, to_row, send_at in _runs(report.moved):
            self._due.put(release.due_again(from_row, send_at, to_row))
        if report.due_again_from is not None:
            self._due.put(release.due_again(report.due_again_from, now + AGAIN_AFTER))
        return report

    def _as_probe(self, release: Release, ground: Ground) -> tuple[Release, Ground]:
        """An account's own endpoint, once its pause is over, is tried by the first message that comes.

        Providers that all share are the feeder's to try, which goes by channel.
        """
        stored, now = ground.circuit, self._wall()
        may_try = permit_of(ground.launch.state) is Permit.SEND and not ground.stopped
        if release.channel not in OWN_ENDPOINTS or not may_try or not stored.circuit.wants_probe(now):
            return release, ground
        name, probed = circuit_of(release.channel, release.account_id), stored.circuit.probed(now)
        if not self._circuits.save(name, probed, replacing=stored.version):
            return release, ground  # another message does
        return replace(release, probe=True), replace(ground, circuit=StoredCircuit(probed, stored.version + 1))

    def _waits(self, release: Release, ground: Ground) -> bool:
        circuit = ground.circuit.circuit
        closed_to_it = not circuit.passes and not (release.probe and circuit.state is CircuitState.PROBING)
        permit = permit_of(ground.launch.state)
        return permit is Permit.WAIT or (permit is Permit.SEND and (ground.stopped or closed_to_it))

    def _send(
        self, release: Release, ground: Ground, account: Account, now: datetime, seconds_left: Callable[[], float]
    ) -> Report:
        launch = ground.launch
        latest_at, cancelled = launch.latest_at(release.step), permit_of(launch.state) is Permit.DROP
        rows = {
            number: row
            for number, row in enumerate(self._chunk(release.key)[release.from_row : release.to_row], release.from_row)
            if row["verdict"] == ALLOW and row["channel"] == release.channel
        }
        earlier = self._earlier(launch, release.step, rows.values())
        wall, planned = self._wall(), list[PlannedSend]()
        for number, row in rows.items():
            before = earlier[row["customer_key"]]
            offered = offered_at(before, row.get("offer_id"), wall)
            context = send_context(launch, account, row, latest_at=latest_at, offered_at=offered, cancelled=cancelled)
            planned.append(_planned(number, row, launch, context, before, offered=offered))
        recipients = self._recipients.load(
            account,
            [one.send_id.customer_key for one in planned],
            release.channel,
            exclude_send=(release.launch_id, release.step),
            reactions=reactions_of(launch, release.step),
            with_suppressions=False,  # read at each one's turn
        )
        contact_lists = {customer: recipient.contact_list for customer, recipient in recipients.items()}
        expected = Counter(
            one.described.offer_id
            for one in planned
            if one.described.offer_id is not None and one.described.code is None
        )
        sending = Sending(
            ledger=self._ledger,
            contacts=ContactBook(self._performance, contact_lists),
            recipients=_Recipients(
                self._recipients,
                self._composer,
                launch,
                account,
                recipients,
                tiers={row["customer_key"]: row.get("value_tier") for row in rows.values()},
                signing_key=self._signing_key,
                now=now,
            ),
            offers=Handout(launch, self._budgets, self._codes, expected),
            deliver=self._providers[ChannelName(release.channel)].deliver,
            heed=_Breaker(
                self._circuits, circuit_of(release.channel, release.account_id), ground.circuit, self._wall
            ).heed,
            now=now,
            wall=self._wall,
            seconds_left=seconds_left,
            new_claim=lambda: secrets.token_hex(8),
            pause=self._pause,
            each=one_after_the_other if release.probe else self._each,
        )
        report = sending.send(planned)
        if accepted := report.outcomes[State.ACCEPTED]:
            self._reputation.add_sent(launch.account_id, launch.launch_id, release.channel, accepted, at=self._wall())
        return report

    def _earlier(self, launch: Launch, step: int, rows: Iterable[Row]) -> Mapping[str, list[Mapping[str, Any]]]:
        """Of customers who get an offer: the ledger rows of the launch's earlier steps that carried it."""
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        offered = [CustomerKey(row["customer_key"]) for row in rows if row.get("offer_id")]
        steps = [number for number in carriers(launch.definition) if number < step] if offered else []
        sends = [SendId(launch.account_id, launch.launch_id, number, one) for number in steps for one in offered]
        for send_id, row in self._ledger.rows(sends).items() if sends else ():
            found[send_id.customer_key].append(row)
        return found

    def _each(self, work: Callable[[PlannedSend], None], rows: Sequence[PlannedSend]) -> None:
        if self._pool is None:
            one_after_the_other(work, rows)
            return
        running = [self._pool.submit(work, row) for row in rows]
        wait(running)
        for done in running:
            done.result()

    def _chunk(self, key: str) -> list[Row]:
        if key not in self._chunks:
            self._chunks[key] = self._lake.read_rows(key)
            if len(self._chunks) > _KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        return self._chunks[key]


class _Recipients:
    """The release's customers: read together once, and each one's profile and suppression again before its claim.

    Whose turn it is in the global holdout is asked again too: it may have changed since the step was planned.
    """

    def __init__(
        self,
        store: RecipientStore,
        composer: Composer,
        launch: Launch,
        account: Account,
        known: dict[CustomerKey, Recipient],
        *,
        tiers: Mapping[str, str | None],
        signing_key: Callable[[], str],
        now: datetime,
    ) -> None:
        self._store, self._composer, self._launch, self._account = store, composer, launch, account
        self._known, self._tiers, self._signing_key, self._now = known, tiers, signing_key, now

    def facts(self, one: PlannedSend) -> RecipientFacts:
        customer = one.send_id.customer_key
        self._known[customer] = self._store.refresh(self._account, self._known[customer], one.context.channel)
        rules, tier = self._account.global_holdout, self._tiers.get(customer)
        held = turn(rules, self._account.account_id, customer, tier, self._now) is Turn.HELD_OUT
        return replace(self._known[customer].facts, globally_held_out=held)

    def outgoing(self, one: PlannedSend) -> Outgoing:
        return self._composer.compose(
            self._launch,
            self._account,
            self._known[one.send_id.customer_key],
            one.send_id,
            one.described,
            unsubscribe_url=unsubscribe_url(self._account.public_url, self._signing_key(), one.send_id),
            now=self._now,
            offered_at=one.offered_at,
        )


class _Breaker:
    """Tells the circuit of this name what the provider answers."""

    def __init__(self, circuits: Circuits, name: str, known: StoredCircuit, wall: Callable[[], datetime]) -> None:
        self._circuits, self._name, self._known, self._wall = circuits, name, known, wall
        self._lock = Lock()

    def heed(self, answer: Answer) -> bool:
        """Whether the provider may be asked on."""
        code = is_outage(answer)
        with self._lock:
            if code is not None:
                self._known = self._circuits.change(
                    self._name, lambda circuit: circuit.failed(code, self._wall()), self._known
                )
            elif not isinstance(answer, Throttled):
                self._known = self._circuits.change(self._name, lambda circuit: circuit.succeeded(), self._known)
            return self._known.circuit.passes


def _planned(
    number: int,
    row: Row,
    launch: Launch,
    context: SendContext,
    earlier: Sequence[Mapping[str, Any]],
    *,
    offered: datetime | None,
) -> PlannedSend:
    offer_id = row.get("offer_id")
    return PlannedSend(
        row=number,
        send_id=SendId.parse(row["send_id"]),
        context=context,
        described=Description(
            launch.campaign_id,
            row["channel"],
            variants=row.get("variants") or {},
            segment=row.get("segment"),
            offer_id=offer_id,
            code=code_of(earlier, offer_id),
            hour_propensity=row.get("hour_propensity"),
            possible_hours=row.get("possible_hours"),
        ),
        spend=spend_of(launch, row, given=offered is not None),
        offered_at=offered,
    )


def _runs(moved: Mapping[int, datetime]) -> list[tuple[int, int, datetime]]:
    """Neighbouring rows that leave at the same moment, as (first row, row after the last, moment)."""
    runs: list[tuple[int, int, datetime]] = []
    for row, moment in sorted(moved.items()):
        if runs and runs[-1][1:] == (row, moment):
            runs[-1] = (runs[-1][0], row + 1, moment)
        else:
            runs.append((row, row + 1, moment))
    return runs
