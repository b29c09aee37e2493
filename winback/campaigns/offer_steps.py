"""Which steps of a launch carry its offers, and when."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch
from winback.offers.offer import Offer


def carriers(definition: CampaignDefinition) -> tuple[int, ...]:
    """Numbers of the steps that carry the offer for some customers at least: by themselves or in a variant."""
    return tuple(
        touch.number
        for touch in definition.touches
        if touch.step.offer
        or any(
            variant.offer
            for experiment in definition.experiments
            if experiment.step in (None, touch.name)
            for variant in experiment.variants
        )
    )


def may_get_offer(definition: CampaignDefinition, member: Mapping[str, Any]) -> bool:
    """Whether any step carries the offer to a customer with this audience row, on a channel that reaches them."""
    steps = [definition.step_for(number, member["variants"]) for number in carriers(definition)]
    reached_by = member.get("reached_by")
    return any(step.offer and (reached_by is None or set(step.channels or ()) & set(reached_by)) for step in steps)


def first_carrier(launch: Launch) -> int:
    """The step that carries the offer first. Raises ValueError when none does."""
    return min(carriers(launch.definition), key=lambda number: (launch.planned_at(number), number))


def offered_at(launch: Launch) -> datetime:
    """When the first message with the offer is planned to leave. Raises ValueError when no step carries it."""
    return launch.planned_at(first_carrier(launch))


def last_offered_on(launch: Launch, zone: ZoneInfo) -> date:
    return max(launch.planned_at(number) for number in carriers(launch.definition)).astimezone(zone).date()


def out_of_season(launch: Launch, offers: tuple[Offer, ...], zone: ZoneInfo) -> tuple[Offer, ...]:
    """The offers that are not valid on every day on which the launch may send them."""
    days = offered_at(launch).astimezone(zone).date(), last_offered_on(launch, zone)
    return tuple(offer for offer in offers if not all(offer.is_valid_on(day) for day in days))
