"""A world of six customers, plans for them, and one sender's run over a plan."""

import random
from dataclasses import replace
from typing import Any

from tests.unit.delivery.simulation import CODED, World, planned_send, sound_facts
from tests.unit.interleaving import Turns
from winback.delivery.send_ports import PlannedSend
from winback.delivery.sending import Report
from winback.identifiers import CustomerKey, SendId

CUSTOMERS = [CustomerKey(f"{number:032x}") for number in range(6)]


def world(seed: int = 0, **changes: Any) -> World:
    made = World(random.Random(seed), **changes)
    made.facts = {customer: sound_facts(customer) for customer in CUSTOMERS}
    return made


def one_run(made: World, planned: list[PlannedSend], **changes: object) -> Report:
    """One sender, nobody else, nothing killed."""
    reports: list[Report] = []
    sending = replace(made.sending("only"), **changes)  # type: ignore[arg-type]
    Turns(random.Random(0)).run([lambda: reports.append(sending.send(planned))])
    return reports[0]


def plan(customers: list[CustomerKey] = CUSTOMERS) -> list[PlannedSend]:
    return [planned_send(row, customer) for row, customer in enumerate(customers)]


def coded(row: int, customer: CustomerKey, **changes: Any) -> PlannedSend:
    one = planned_send(row, customer, **changes)
    return replace(one, described=replace(one.described, offer_id=CODED))


def booked(made: World) -> set[SendId]:
    return {SendId.parse(name) for names in made.contacts.values() for name in names}
