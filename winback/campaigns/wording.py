"""A sequence in plain words, for a person who reads what a definition will do."""

from collections.abc import Iterable
from datetime import datetime, time
from zoneinfo import ZoneInfo

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.policies import Experiment, Variant
from winback.campaigns.steps import BranchOn, BranchPoint, Timing, Touch


def when(days: int, timing: Timing | None = None, weekdays: Iterable[str] = ()) -> str:
    """Such as `day 3, the first Tuesday or Thursday from then on, at 09:30`."""
    parts = [f"day {days}" if days else "first day"]
    if named := [day.capitalize() for day in weekdays]:
        parts.append(f"the first {listed(named, 'or')} from then on")
    if timing is not None and timing.send_at is not None:
        parts.append(f"at {_clock(timing.send_at)}")
    if timing is not None and timing.send_within is not None:
        within = timing.send_within
        days_too = f", within {within.days} days" if within.days > 1 else ""
        hours = f"{_clock(within.start)} and {_clock(within.until)}"
        parts.append(f"at each customer's best hour between {hours} of their own time{days_too}")
    return ", ".join(parts)


def touch_words(touch: Touch, definition: CampaignDefinition) -> str:
    """What the step sends, when and how."""
    step = touch.step
    message = step.template if isinstance(step.template, str) else f"its own message {step.template.name or ''}".strip()
    channels = step.channels or definition.channels
    said = [when(step.after_days, step, step.on), f"by {listed(channels, 'else by')}", message]
    if step.subject is not None:
        said.append(f'with the subject "{step.subject}"')
    if step.offer:
        said.append("with the offer")
    return "; ".join(said)


def question_words(point: BranchPoint, definition: CampaignDefinition) -> str:
    question = point.branch.branch
    asked_at = when(point.branch.after_days)
    match question.on:
        case BranchOn.ENGAGED:
            assert point.step is not None  # a definition without such a step is refused
            return f"{asked_at}: opened or clicked {definition.touch(point.step).name}?"
        case BranchOn.CONVERTED:
            return f"{asked_at}: purchased since the start?"
        case BranchOn.SEGMENT:
            return f"{asked_at}: is by now in {listed(question.segments, 'or')}?"


def experiment_words(experiment: Experiment) -> str:
    whole = sum(experiment.shares.values())
    variants = [f"{variant.name} ({variant.share / whole:.0%}{_changes(variant)})" for variant in experiment.variants]
    return f"{experiment.name}, at {experiment.step or 'every step'}: {'; '.join(variants)}"


def bounds_words(definition: CampaignDefinition) -> list[str]:
    """Who is left alone, what stops it, and what it may use up."""
    holdout, guards = definition.holdout, definition.guardrails
    sized = f"as many as it takes to find an effect of {holdout.finds_points:g} percentage points"
    held = f"{holdout.share:.1%} of the eligible" if holdout.share is not None else sized
    tiers = f"; of {listed(holdout.exclude_tiers, 'and')} nobody" if holdout.exclude_tiers else ""
    guarded = (
        f"Pauses by itself above {guards.max_bounce_rate:.1%} bounces, {guards.max_complaint_rate:.2%} complaints or "
        f"{guards.max_unsubscribe_rate:.1%} unsubscribes, from {guards.minimum_sends} sends on"
    )
    lines = [
        f"Held out: {held}{tiers}",
        f"Ends for a customer on: {listed(definition.stop_on, 'or')}",
        guarded,
        f"Evaluated for {definition.evaluation_days} days; priority {definition.priority} of 100",
    ]
    if definition.budget is not None:
        spend = definition.budget.spend_minor
        most = [f"{definition.budget.sends} sends"] if definition.budget.sends is not None else []
        most += [f"{spend} in minor units, such as cents"] if spend is not None else []
        lines.append(f"Budget: {listed(most, 'and')}")
    if definition.offers is not None:
        policy = definition.offers
        most_of_all = f"{policy.budget_minor} in minor units, such as cents, at most"
        lines.append(f"Offers: {listed(policy.offers, 'or')}, {most_of_all}")
    return lines


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%a %d %b %Y %H:%M")


def listed(names: Iterable[str], last: str) -> str:
    *others, final = [str(name) for name in names]
    return f"{', '.join(others)} {last} {final}" if others else final


def _changes(variant: Variant) -> str:
    changed = [f'"{variant.subject}"'] if variant.subject is not None else []
    if variant.template is not None:
        changed.append(variant.template if isinstance(variant.template, str) else "a message of its own")
    if variant.send_at is not None or variant.send_within is not None:
        changed.append(when(0, variant).removeprefix("first day, "))
    if variant.channels is not None:
        changed.append(f"by {listed(variant.channels, 'else by')}")
    if variant.offer is not None:
        changed.append("with the offer" if variant.offer else "without the offer")
    return f": {', '.join(changed)}" if changed else ""


def _clock(at: time) -> str:
    return at.strftime("%H:%M")
