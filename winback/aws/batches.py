"""Batches of the API: each item answered by itself, what is new written once, repetitions recognised."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from winback.accounts import Account
from winback.aws import lake as lake_keys
from winback.aws.contacts import ContactBook
from winback.aws.customers import ProfileStore
from winback.aws.events import EventMarkers
from winback.aws.lake import Lake, Row
from winback.aws.orders import Activity, OrderMarkers
from winback.customers import Customer, row_of
from winback.engagement.store_events import StoreEvent
from winback.engagement.touches import TouchKind
from winback.engagement.unsubscriptions import denials
from winback.fields import LEEWAY, FieldProblem, field_problems
from winback.instants import format_instant
from winback.orders import Order, OrderProblem, ReceivedOrder, latest_order_times

LARGEST_BATCH = 500
Status = Literal["accepted", "duplicate", "rejected"]
Thing = TypeVar("Thing")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ItemResult:
    """`id` is the item's own, None when it has none that is text."""

    index: int
    id: str | None
    status: Status
    errors: tuple[FieldProblem, ...] = ()


class ItemRefused(ValueError):
    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("an item does not fit")
        self.problems = problems


@dataclass(frozen=True)
class Batches:
    lake: Lake
    profiles: ProfileStore
    markers: OrderMarkers
    activity: Activity
    event_markers: EventMarkers
    contacts: ContactBook

    def take_orders(self, account: Account, items: Sequence[Any], now: datetime) -> list[ItemResult]:
        """Writes the object before the markers: a crash in between repeats orders, and loses none."""

        def order(item: Any) -> Order:
            received = _validated(ReceivedOrder, item)
            try:
                return Order.of(received, default_currency=account.currency, now=now)
            except OrderProblem as error:
                raise ItemRefused(FieldProblem(error.field, error.problem, error.expected)) from None

        sorted_out = _sort_out(items, "order_id", order, lambda found: (found.order_id, found.fingerprint()))
        known = self.markers.fingerprints(account.account_id, sorted_out.firsts)
        new = [found for id_, found in sorted_out.firsts.items() if known.get(id_) != found.fingerprint()]
        if new:
            rows = [order.row(account.customer_key(order.customer_id), now) for order in new]
            self.lake.write_rows(
                lake_keys.orders_key(account.account_id, now.date().isoformat(), f"{_batch_id(rows)}.jsonl.gz"), rows
            )
            since = self.activity.matters_since(account.account_id)
            if since is not None:
                latest = latest_order_times(order for order in new if order.ordered_at >= since)
                self.activity.raise_to(
                    account.account_id, {account.customer_key(customer): at for customer, at in latest.items()}
                )
            self.markers.mark(account.account_id, new)
        return sorted_out.results({order.order_id for order in new})

    def take_customers(self, account: Account, items: Sequence[Any], now: datetime) -> list[ItemResult]:
        def customer(item: Any) -> Customer:
            received = _validated(Customer, item)
            latest = f"at most {format_instant(now + LEEWAY)}"
            ahead = [FieldProblem(field, "is in the future", latest) for field in received.ahead_of(now)]
            if ahead:
                raise ItemRefused(*ahead)
            return received

        sorted_out = _sort_out(items, "customer_id", customer, lambda found: (found.customer_id, found.fingerprint()))
        stated = list(sorted_out.firsts.values())
        changed = self.profiles.changed_by(account, stated)
        if changed:
            rows = [row_of(each, account.customer_key(each.customer_id), now) for each in changed]
            name = _batch_id(rows)
            key = lake_keys.customers_key(account.account_id, now.date().isoformat(), f"{name}.jsonl.gz")
            self.lake.write_rows(key, rows)
            self.profiles.upsert(account, changed, received_at=now, statement=name)
        return sorted_out.results({each.customer_id for each in changed})

    def take_events(self, account: Account, items: Sequence[Any], now: datetime) -> list[ItemResult]:
        """What customers left elsewhere is denied here too; what other tools sent counts for the caps. The markers come
        last: a crash before them repeats rows of the same touch ids, which count once."""

        def event(item: Any) -> StoreEvent:
            received = _validated(StoreEvent, item)
            if received.ahead_of(now):
                raise ItemRefused(FieldProblem("at", "is in the future", f"at most {format_instant(now + LEEWAY)}"))
            return received

        sorted_out = _sort_out(
            items,
            "event_id",
            event,
            lambda found: (found.identity(), found.content()),
            name=lambda found: found.event_id,
        )
        touches = {
            identity: found.touch(account.key_salt, account.customer_key(found.customer_id))
            for identity, found in sorted_out.firsts.items()
        }
        known = self.event_markers.known(account.account_id, [touch.touch_id for touch in touches.values()])
        new = {identity: touch for identity, touch in touches.items() if touch.touch_id not in known}
        if new:
            rows = [touch.row() for touch in new.values()]
            name = f"{_batch_id(rows)}.jsonl.gz"
            self.lake.write_rows(lake_keys.engagement_key(account.account_id, now.date().isoformat(), name), rows)
            left = [touch for touch in new.values() if touch.kind is TouchKind.UNSUBSCRIBED]
            denied = denials((each.customer_key, each.channel, each.at) for each in left)
            self.profiles.deny(account.account_id, denied, unknown_too=True)
            told = sorted(new.values(), key=lambda touch: touch.customer_key)
            self.contacts.add_touches(account.account_id, told, now)
            self.event_markers.mark(account.account_id, [touch.touch_id for touch in new.values()], now)
        return sorted_out.results(set(new))


@dataclass(frozen=True)
class _SortedOut(Generic[Thing]):
    firsts: dict[str, Thing]  # by what identifies it: the first good item of each
    partial: list[tuple[ItemResult, str | None]]  # with what identifies the item, where it is good

    def results(self, new: set[str]) -> list[ItemResult]:
        """Accepted items that turned out not to be new are duplicates."""
        return [
            ItemResult(result.index, result.id, "duplicate")
            if result.status == "accepted" and identity not in new
            else result
            for result, identity in self.partial
        ]


def _sort_out(
    items: Sequence[Any],
    id_field: str,
    build: Callable[[Any], Thing],
    identity: Callable[[Thing], tuple[str, str]],
    *,
    name: Callable[[Thing], str | None] | None = None,
) -> _SortedOut[Thing]:
    """`identity` gives what identifies a thing, and its content; `name` its id in the answer, when that is another."""
    firsts: dict[str, Thing] = {}
    at: dict[str, int] = {}
    partial: list[tuple[ItemResult, str | None]] = []
    for index, item in enumerate(items):
        named = item.get(id_field) if isinstance(item, dict) else None
        shown = named if isinstance(named, str) else None
        try:
            thing = build(item)
        except ItemRefused as refused:
            partial.append((ItemResult(index, shown, "rejected", refused.problems), None))
            continue
        own, fingerprint = identity(thing)
        own_id = name(thing) if name else own
        if own not in firsts:
            firsts[own], at[own] = thing, index
            partial.append((ItemResult(index, own_id, "accepted"), own))
        elif identity(firsts[own])[1] == fingerprint:
            partial.append((ItemResult(index, own_id, "duplicate"), own))
        else:
            other = FieldProblem(
                id_field, f"is the id of item {at[own]} too, with other content", "one item an id in a batch"
            )
            partial.append((ItemResult(index, own_id, "rejected", (other,)), own))
    return _SortedOut(firsts, partial)


def _validated(model: type[Model], item: Any) -> Model:
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise ItemRefused(*field_problems(error)) from None


def _batch_id(rows: Sequence[Row]) -> str:
    """By content, so that the same rows go to the same object; when they were received does not count."""
    content = [{name: value for name, value in row.items() if name != "received_at"} for row in rows]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"bat-{digest[:24]}"
