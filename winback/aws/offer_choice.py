"""Chooses the offers of a launch's treated customers: snapshot, contacts and offer endpoint -> offers chunks.

One function chooses for the whole audience, block by block (winback/offers/choice.py), because a budget is shared by
all. What was chosen for a block is written first, once, and its chunks are made of it: an attempt that dies anywhere is
repeated, keeps the blocks that there are and goes on. Nobody is sent anything by it, and records of the decisions go to
the lake's `decisions/` only when the launch really makes them (winback/aws/offer_decisions.py).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from winback.aws import keys
from winback.aws.contacts import ContactList
from winback.aws.lake import Lake, Row, snapshot_prefix
from winback.aws.launch_files import LaunchFiles
from winback.aws.launches import LaunchStore
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import GET_BATCH, batch_get
from winback.campaigns.launch import Launch
from winback.campaigns.offer_steps import may_get_offer, offered_at
from winback.experiments.assignment import Arm, assignment_salt
from winback.identifiers import AccountId, CustomerKey, LaunchId
from winback.instants import parse_instant
from winback.offers.choice import (
    ASSUMED_MARGIN,
    ChoiceRules,
    Chosen,
    Person,
    arms_of,
    choose_best,
    choose_fixed,
    part_of,
    spent_minor,
)
from winback.offers.offer import Offer
from winback.offers.terms import Customer
from winback.predictions.offers.asking import GIVE_UP_AFTER, Question, ask_effects
from winback.predictions.offers.contract import MAY_BE_MISSING, OFFER_FEATURES
from winback.predictions.offers.records import record_of
from winback.predictions.requests import EndpointUnavailable
from winback.slices.compilation import Ground, compile_condition

BLOCK_CHUNKS = 20  # of 1,000 customers each: some 300 MB with ten offers
MEMORY_LIMIT = "600MB"  # DuckDB's
READERS = 8
_PLACE = ("segment", "value_tier", "status", "net_minor")
_MONEY = ("average_purchase_minor", "margin_minor", "costed_net_minor")


@dataclass
class _Endpoint:
    """Not asked any more once it failed as often as one block bears: the next blocks would each wait for it again."""

    invoke: Callable[[bytes], bytes]
    failures: list[str] = field(default_factory=list)

    def __call__(self, body: bytes) -> bytes:
        if len(self.failures) >= GIVE_UP_AFTER:
            raise EndpointUnavailable("given up")
        try:
            return self.invoke(body)
        except EndpointUnavailable as reason:
            self.failures.append(str(reason))
            raise


@dataclass(frozen=True)
class OfferChooser:
    """`invoke` sends one request body to the offer endpoint (winback.aws.endpoints.ModelEndpoint.invoke)."""

    launches: LaunchStore
    snapshots: SnapshotStore
    lake: Lake
    performance: Any
    invoke: Callable[[bytes], bytes]

    def choose(self, account_id: AccountId, launch_id: LaunchId) -> dict[str, Any]:
        """Writes every offers chunk of the launch and `offers.json`, which says how many got what and why others not.

        Raises what winback.predictions.offers.asking.ask_effects raises where the endpoint's contract is broken.
        """
        launch = self.launches.get(account_id, launch_id)
        policy = launch.definition.offers
        if policy is None:
            raise ValueError(f"launch {launch_id} has no offer policy: expected it to be asked of launches with offers")
        files, endpoint = LaunchFiles(self.lake, launch), _Endpoint(self.invoke)
        rules = ChoiceRules(
            offers=launch.offers,
            choose=policy.choose,
            salt=assignment_salt(launch.campaign_id, f"offers:{launch_id}"),
            offered_at=offered_at(launch),
            cooldown_days=policy.cooldown_days,
            exploration=policy.exploration,
            most_share=policy.max_discount_share,
        )
        lines = files.manifest()
        left, remaining, counts = policy.budget_minor, sum(line["rows"] for line in lines), Counter[str]()
        written = set(self.lake.list(files.offers_block_key(0).removesuffix("00000.jsonl.gz")))
        with self._snapshot(launch) as snapshot:
            for block, start in enumerate(range(0, len(lines), BLOCK_CHUNKS)):
                chunks = [line["chunk"] for line in lines[start : start + BLOCK_CHUNKS]]
                customers = sum(line["rows"] for line in lines[start : start + BLOCK_CHUNKS])
                key = files.offers_block_key(block)
                if key in written:
                    rows = self.lake.read_rows(key)
                else:
                    budget = part_of(left, customers, remaining)
                    rows = files.keep_first(
                        key, list(self._block(launch, rules, chunks, budget, snapshot=snapshot, endpoint=endpoint))
                    )
                self._write_chunks(files, chunks, rows)
                left, remaining = left - spent_minor([each["row"] for each in rows]), remaining - customers
                counts.update(_outcome(each) for each in rows)
        told = {
            "customers": counts.total(),
            "outcomes": dict(sorted(counts.items())),
            "left_minor": left,
            "endpoint_failures": len(endpoint.failures),
        }
        self.lake.write_json(files.offers_summary_key, told)
        return told

    @contextmanager
    def _snapshot(self, launch: Launch) -> Iterator["_Snapshot"]:
        with TemporaryDirectory() as folder:
            prefix = snapshot_prefix(launch.account_id, launch.snapshot_id)
            path = self.lake.download(f"{prefix}customers.parquet", Path(folder) / "customers.parquet")
            limits: dict[str, str | bool | int | float | list[str]] = {
                "memory_limit": MEMORY_LIMIT,
                "threads": 2,
                "temp_directory": folder,
            }
            with duckdb.connect(config=limits) as connection:
                connection.read_parquet(str(path)).create_view("customers")
                made = self.snapshots.get(launch.account_id, launch.snapshot_id)
                if made is None:
                    raise ValueError(
                        f"snapshot {launch.snapshot_id} has no item: expected that of a published snapshot"
                    )
                yield _Snapshot(connection, launch.offers, parse_instant(made.as_of))

    def _block(
        self,
        launch: Launch,
        rules: ChoiceRules,
        chunks: Sequence[int],
        budget_minor: int,
        *,
        snapshot: "_Snapshot",
        endpoint: _Endpoint,
    ) -> Iterator[Row]:
        files = LaunchFiles(self.lake, launch)
        with ThreadPoolExecutor(READERS) as readers:
            audience = list(readers.map(self.lake.read_rows, [files.audience_key(chunk) for chunk in chunks]))
        chunk_of = {
            CustomerKey(row["customer_key"]): chunk
            for chunk, rows in zip(chunks, audience, strict=True)
            for row in rows
            if row["arm"] == Arm.TREATMENT and may_get_offer(launch.definition, row)
        }
        people = snapshot.people(chunk_of, self._last_offers(launch.account_id, list(chunk_of)))
        records: dict[CustomerKey, Row] = {}
        if rules.choose == "fixed":
            chosen = choose_fixed(people, rules, budget_minor)
        else:
            chosen = self._best(people, rules, budget_minor, endpoint)
            records = _records(launch, chosen, {person.customer_key: person for person in people})
        for row in chosen.rows:
            customer = CustomerKey(row["customer_key"])
            record = {"record": records[customer]} if customer in records else {}
            yield {"chunk": chunk_of[customer], "row": row, **record}

    def _best(self, people: Sequence[Person], rules: ChoiceRules, budget_minor: int, endpoint: _Endpoint) -> Chosen:
        questions = [
            Question(person.customer_key, person.features, person.terms.value_tier, person.status)
            for person in people
            if person.features is not None
        ]
        asked = ask_effects(questions, [arm.name for arm in arms_of(rules.offers)], endpoint)
        return choose_best(people, rules, budget_minor, asked.effects)

    def _last_offers(self, account_id: AccountId, customers: Sequence[CustomerKey]) -> dict[CustomerKey, datetime]:
        """When each last got an offer, of those who got one within as long as contacts are kept."""
        asked = [keys.contacts(account_id, customer) for customer in customers]
        customer_of = {keys.pair(key): customer for key, customer in zip(asked, customers, strict=True)}
        found: dict[CustomerKey, datetime] = {}
        with ThreadPoolExecutor(READERS) as readers:
            parts = [asked[start : start + GET_BATCH] for start in range(0, len(asked), GET_BATCH)]
            for items in readers.map(lambda part: batch_get(self.performance, part), parts):
                for pair, item in items.items():
                    offered = [one.at for one in ContactList.from_item(item).contacts if one.offer is not None]
                    if offered:
                        found[customer_of[pair]] = max(offered)
        return found

    def _write_chunks(self, files: LaunchFiles, chunks: Sequence[int], rows: Sequence[Row]) -> None:
        """Every chunk has its object, also one in which nobody can get an offer."""
        objects: dict[str, list[Row]] = {files.offers_key(chunk): [] for chunk in chunks}
        for each in rows:
            objects[files.offers_key(each["chunk"])].append(each["row"])
            if "record" in each:
                objects.setdefault(files.decisions_key(each["chunk"]), []).append(each["record"])
        with ThreadPoolExecutor(READERS) as writers:
            list(writers.map(self.lake.write_rows, objects, objects.values()))


class _Snapshot:
    """What the launch's snapshot says of customers, by the offers' terms."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, offers: Sequence[Offer], as_of: datetime) -> None:
        """Raises ConditionRefused when the snapshot lacks a column that an offer's condition asks about."""
        self._connection = connection
        self._columns = frozenset(connection.table("customers").columns)
        ground = Ground(as_of=as_of, currency=offers[0].currency, columns=self._columns)
        self._conditions = {
            offer.offer_id: compile_condition(offer.eligibility.condition, ground, prefix=f"o{place}_")
            for place, offer in enumerate(offers)
            if offer.eligibility.condition is not None
        }
        self._unconditional = frozenset(offer.offer_id for offer in offers) - self._conditions.keys()
        self._margin_share = self._share_of_account()

    def people(self, customers: Collection[CustomerKey], last_offers: Mapping[CustomerKey, datetime]) -> list[Person]:
        """Of these customers, all of the snapshot."""
        names = ["customer_key", *_PLACE, *_MONEY, *OFFER_FEATURES]
        selected = [name if name in self._columns else f"NULL AS {name}" for name in names]
        parameters: dict[str, Any] = {"wanted": list(customers)}
        for offer_id, predicate in self._conditions.items():
            names.append(offer_id)
            selected.append(f'({predicate.sql}) AS "{offer_id}"')
            parameters |= predicate.parameters
        found = self._connection.execute(
            f"SELECT {', '.join(selected)} FROM customers "  # noqa: S608 (names of ours, and compiled predicates)
            "WHERE customer_key IN (SELECT unnest($wanted)) ORDER BY customer_key",
            parameters,
        )
        return [self._person(dict(zip(names, row, strict=True)), last_offers) for row in found.fetchall()]

    def _person(self, known: Mapping[str, Any], last_offers: Mapping[CustomerKey, datetime]) -> Person:
        customer, price = CustomerKey(known["customer_key"]), round(known["average_purchase_minor"] or 0)
        share = _margin_share(known["margin_minor"], known["costed_net_minor"])
        if share is None:
            share = self._margin_share
        features = {name: known[name] for name in OFFER_FEATURES}
        complete = all(value is not None or name in MAY_BE_MISSING for name, value in features.items())
        return Person(
            customer_key=customer,
            status=known["status"],
            terms=Customer(
                segment=known["segment"],
                value_tier=known["value_tier"],
                net_minor=known["net_minor"] or 0,
                price_minor=price,
                margin_share=share,
                conditions=self._unconditional | {offer_id for offer_id in self._conditions if known[offer_id]},
            ),
            margin_minor=round(price * (ASSUMED_MARGIN if share is None else share)),
            features=features if complete else None,
            last_offer_at=last_offers.get(customer),
        )

    def _share_of_account(self) -> float | None:
        """Of the orders of all customers whose cost is known; what is not known of one customer is taken from here."""
        if not {"margin_minor", "costed_net_minor"} <= self._columns:
            return None
        sums = self._connection.execute("SELECT sum(margin_minor), sum(costed_net_minor) FROM customers").fetchone()
        return _margin_share(*sums) if sums is not None else None


def _margin_share(margin_minor: int | None, net_minor: int | None) -> float | None:
    if margin_minor is None or not net_minor or net_minor < 0:
        return None
    return min(1.0, max(0.0, margin_minor / net_minor))


def _records(launch: Launch, chosen: Chosen, people: Mapping[CustomerKey, Person]) -> dict[CustomerKey, Row]:
    """Of each decision, as of the moment of assignment: from then on its outcome counts."""
    records = {}
    for decision in chosen.decisions:
        features = people[decision.customer_key].features
        assert features is not None  # nobody is decided for without
        record = record_of(
            decision,
            account_id=launch.account_id,
            decision_id=launch.launch_id,
            decided_at=launch.starts_at,
            currency=launch.offers[0].currency,
            features=features,
        )
        records[decision.customer_key] = record.row()
    return records


def _outcome(each: Row) -> str:
    """An offer's id, or why there is none."""
    row = each["row"]
    return str(row["offer_id"] or row["without_offer"])
