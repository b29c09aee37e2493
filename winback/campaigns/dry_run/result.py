"""The dry run as one JSON document: what a launch would do, what it may cost and bring, and what stands in its way."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winback.accounts.channels import SmsSettings
from winback.campaigns.dry_run.costs import Texts, cost
from winback.campaigns.dry_run.experiments import experiments
from winback.campaigns.dry_run.outlook import Standing, detectable_effect, outlook, return_rate
from winback.campaigns.dry_run.pacing import Rate, pacing
from winback.campaigns.dry_run.paths import Share, branch_shares, described, on_path
from winback.campaigns.dry_run.tallies import AudienceTally, StepTally
from winback.campaigns.launch import Launch
from winback.campaigns.timeline import latest_time
from winback.experiments.assignment import Arm
from winback.instants import format_instant
from winback.money import exponent


@dataclass(frozen=True)
class Surroundings:
    """What the launch meets beside its own plan, read when the dry run is made; all of it shows in the result.

    `rates`: of each channel that has a limit. `exposure`: what the launch's offers may cost (winback.offers); None
    without offers. `preflight`: what was checked before an approval. `texts`: what the account pays for them.
    """

    currency: str
    standing: Standing
    rates: Mapping[str, Rate] = field(default_factory=dict)
    exposure: Mapping[str, Any] | None = None
    preflight: Sequence[Mapping[str, Any]] = ()
    texts: SmsSettings = field(default_factory=SmsSettings)
    samples: Sequence[Mapping[str, Any]] = ()


def dry_run(
    launch: Launch, audience: AudienceTally, steps: Sequence[StepTally], around: Surroundings
) -> dict[str, Any]:
    """The whole result as JSON; `fingerprint` names exactly this content, and an approval names the fingerprint.

    A pure function: the same rows and surroundings give the same bytes.
    """
    treated_by_segment = {name: counts[Arm.TREATMENT] for name, counts in audience.segments.items()}
    rate, assumption = return_rate(
        {name: counts[Arm.TREATMENT] + counts[Arm.HOLDOUT] for name, counts in audience.segments.items()},
        around.standing,
    )
    shares = branch_shares(launch, treated_by_segment, rate, around.standing.launches)
    channels, fates = _pacing(launch, steps, around.rates)
    content = {
        "launch_id": launch.launch_id,
        "campaign_id": launch.campaign_id,
        "snapshot_id": launch.snapshot_id,
        "audience_as_of": format_instant(launch.chosen_at),
        "definition": launch.definition.model_dump(mode="json"),
        **({"slice": launch.slice.model_dump(mode="json")} if launch.slice is not None else {}),
        "starts_at": format_instant(launch.starts_at),
        "evaluation_ends_at": format_instant(launch.evaluation_ends_at),
        "audience": _audience(launch, audience),
        "steps": [_step(launch, step, shares, fates.get(step.step, {})) for step in steps],
        "branches": described(launch, shares),
        "channels": channels,
        "experiments": experiments(launch, audience, steps, rate, assumption),
        "detectable_effect": detectable_effect(
            audience.measured[Arm.TREATMENT], audience.measured[Arm.HOLDOUT], rate, assumption
        ),
        "offers": around.exposure,
        "cost": _cost(launch, audience, steps, around),
        "outlook": outlook(treated_by_segment, around.standing, around.currency, exponent(around.currency)),
        "preflight": [dict(check) for check in around.preflight],
        "samples": [dict(sample) for sample in around.samples],
    }
    return {**content, "fingerprint": fingerprint(content)}


def fingerprint(content: Mapping[str, Any]) -> str:
    """First 16 hex digits of SHA-256 over the content's canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _audience(launch: Launch, audience: AudienceTally) -> dict[str, Any]:
    arms = {arm.value: audience.arms[arm] for arm in Arm}
    measured = {arm.value: audience.measured[arm] for arm in Arm}
    return {
        "candidates": audience.candidates,
        "eligible": audience.eligible,
        "excluded": _excluded(audience.excluded, audience.reasons),
        "arms": arms,
        "measured": measured,
        "holdout_share": launch.holdout_share,
        "segments": {
            name: {part: counts[part] for part in ("candidates", "treatment", "holdout")}
            for name, counts in sorted(audience.segments.items())
        },
    }


def _step(
    launch: Launch, step: StepTally, shares: Mapping[int, Share], fates: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    touch = launch.definition.touch(step.step)
    share = on_path(touch.conditions, shares)
    hours: Counter[str] = Counter()
    for row in step.hours.values():
        hours.update(row)
    return {
        "step": step.step,
        "name": touch.name,
        "planned_at": format_instant(launch.planned_at(step.step)),
        "conditions": [{"branch": number, "way": way} for number, way in touch.conditions],
        "recipients": step.recipients,
        "expected_recipients": {
            "estimate": round(step.recipients * share.estimate),
            "low": round(step.recipients * share.low),
            "high": round(step.recipients * share.high),
            "basis": share.basis,
        },
        "recipients_by_hour": dict(sorted(hours.items())),
        "channels": {
            channel: {
                "recipients": row.total(),
                "by_hour": dict(sorted(row.items())),
                **fates.get(channel, {}),
            }
            for channel, row in sorted(step.hours.items())
        },
        "excluded": _excluded(step.denied, step.reasons),
    }


def _pacing(
    launch: Launch, steps: Sequence[StepTally], rates: Mapping[str, Rate]
) -> tuple[dict[str, Any], dict[int, dict[str, dict[str, Any]]]]:
    """Each channel as a whole; and by step and channel what becomes of its messages."""
    times = [planned.planned_at for planned in launch.steps]
    latest = {
        planned.step: latest_time(launch.definition, times, planned.step, launch.evaluation_ends_at)
        for planned in launch.steps
    }
    whole: dict[str, Any] = {}
    fates: dict[int, dict[str, dict[str, Any]]] = {}
    for channel in sorted({channel for step in steps for channel in step.hours}):
        rate = rates.get(channel)
        hours = {step.step: step.hours[channel] for step in steps if channel in step.hours}
        if rate is None:
            whole[channel] = {"messages": sum(row.total() for row in hours.values()), "per_second": None}
            continue
        whole[channel], found = pacing(hours, latest, rate)
        for step, fate in found.items():
            fates.setdefault(step, {})[channel] = fate
    return whole, fates


def _cost(launch: Launch, audience: AudienceTally, steps: Sequence[StepTally], around: Surroundings) -> dict[str, Any]:
    channels: Counter[str] = Counter()
    texts: Counter[tuple[str, int]] = Counter()
    for step in steps:
        channels.update(step.channels)
        texts.update(step.texts)
    rows = sum(step.rows for step in steps)
    return cost(
        dict(sorted(channels.items())),
        Texts(texts, around.texts),
        candidates=audience.candidates,
        planned=2 * rows,
        budget=launch.definition.budget,
    )


def _excluded(customers: int, reasons: Counter[str]) -> dict[str, Any]:
    return {"customers": customers, "reasons": dict(sorted(reasons.items()))}
