"""Which way each customer goes at a branch: rows in, rows out."""

from collections.abc import Iterable, Mapping
from typing import Any

from winback.campaigns.launch import Launch
from winback.campaigns.steps import BranchOn, BranchPoint, Way
from winback.delivery.ledger import engaged_at
from winback.identifiers import CustomerKey
from winback.instants import parse_instant

Row = Mapping[str, Any]


def answer(
    launch: Launch,
    point: BranchPoint,
    members: Iterable[Row],
    *,
    ledger: Mapping[str, Row],
    last_order_at: Mapping[str, str],
    segments: Mapping[str, str],
) -> list[dict[str, str]]:
    """`{customer_key, way}` for each of the members, in their order.

    `ledger`: rows of the step that `engaged` asks about; the others: of the customers that have any, by their keys.
    A purchase counts from the launch's start on. A customer in no segment any more answers no.
    """
    question = point.branch.branch

    def yes(customer: CustomerKey) -> bool:
        match question.on:
            case BranchOn.ENGAGED:
                return engaged_at(ledger.get(customer)) is not None
            case BranchOn.CONVERTED:
                ordered = last_order_at.get(customer)
                return ordered is not None and parse_instant(ordered) >= launch.starts_at
            case BranchOn.SEGMENT:
                return segments.get(customer) in question.segments

    def way(customer: CustomerKey) -> Way:
        return "then" if yes(customer) else "otherwise"

    return [{"customer_key": m["customer_key"], "way": way(CustomerKey(m["customer_key"]))} for m in members]
