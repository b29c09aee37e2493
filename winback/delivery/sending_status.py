"""How an account's sending stands, in the words of a marketer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from winback.delivery.circuit import Circuit, CircuitState
from winback.delivery.feeding import SendQuota
from winback.delivery.reputation import BOUNCES, COMPLAINTS, MINIMUM_SENT, WINDOW, Counts, Health, Pace
from winback.delivery.switches import StoppedBy, Switch
from winback.delivery.warm_up import DAYS, daily_limit
from winback.instants import format_instant


@dataclass(frozen=True)
class WarmingUp:
    started_on: date
    released_today: int


@dataclass(frozen=True)
class Situation:
    """What is known at `now`: the account's switch and everybody's, its figures, and the providers.

    `email_quota` is None when SES did not say.
    """

    own: Switch
    everybody: Switch
    counts: Counts
    health: Health
    circuits: Mapping[str, Circuit]
    email_quota: SendQuota | None
    warming_up: WarmingUp | None = None


def status(situation: Situation, now: datetime) -> dict[str, Any]:
    """The answer of GET /v1/sending."""
    return {
        **_switch(situation),
        "health": _health(situation.counts, situation.health),
        "channels": {channel: _provider(circuit) for channel, circuit in situation.circuits.items()},
        "email_quota": _quota(situation.email_quota),
        "warm_up": _warm_up(situation.warming_up, now),
    }


def _quota(known: SendQuota | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        "per_second": known.per_second,
        "left_in_24_hours": known.left_today,
        "says": "shared with everybody who sends by this installation",
    }


def _switch(situation: Situation) -> dict[str, Any]:
    if situation.everybody.stopped:
        because = f": {situation.everybody.because}" if situation.everybody.because else ""
        return {
            "sending": "stopped",
            "says": f"the operator stopped sending for everybody{because}; only the operator can resume it",
            **_stop(situation.everybody, "operator"),
        }
    own = situation.own
    if own.stopped_by is StoppedBy.REPUTATION:
        return {
            "sending": "stopped",
            "says": f"sending stopped by itself, to keep mailbox providers' trust: {own.because}; "
            "find the cause in the addresses of the last launches, then resume",
            **_stop(own, "itself"),
        }
    if own.stopped:
        return {"sending": "stopped", "says": "somebody of yours stopped sending", **_stop(own, "you")}
    if situation.health.pace is Pace.SLOW:
        return {"sending": "slow", "says": "sending goes on at a tenth of its speed: " + _reasons(situation.health)}
    return {"sending": "on", "says": "messages leave as planned"}


def _stop(switch: Switch, by: str) -> dict[str, Any]:
    return {
        "stopped_at": format_instant(switch.stopped_at) if switch.stopped_at else None,
        "stopped_by": by,
        "because": switch.because,
    }


def _health(counts: Counts, health: Health) -> dict[str, Any]:
    if counts.sent < MINIMUM_SENT:
        says = f"too few e-mails to tell: {counts.sent} in {WINDOW.days} days, {MINIMUM_SENT} are needed"
    else:
        says = _reasons(health) or "few e-mails bounce, and few recipients complain"
    return {
        "says": says,
        "days": WINDOW.days,
        **vars(counts),
        "bounce_rate": round(counts.bounce_rate, 5),
        "complaint_rate": round(counts.complaint_rate, 5),
        "unsubscribe_rate": round(counts.unsubscribe_rate, 5),
        "slows_at": {"bounce_rate": BOUNCES.slow, "complaint_rate": COMPLAINTS.slow},
        "stops_at": {"bounce_rate": BOUNCES.stop, "complaint_rate": COMPLAINTS.stop},
    }


def _reasons(health: Health) -> str:
    return " and ".join(health.reasons)


def _provider(circuit: Circuit) -> dict[str, Any]:
    if circuit.state is CircuitState.CLOSED:
        return {"provider": "up", "says": "messages are taken"}
    since = format_instant(circuit.opened_at) if circuit.opened_at else None
    until = format_instant(circuit.until) if circuit.until else None
    if circuit.state is CircuitState.PROBING:
        return {"provider": "being_tried", "says": "one message is on its way, the others wait for it", "since": since}
    return {
        "provider": "out",
        "says": "the provider does not answer; what is planned waits and leaves once it does",
        "since": since,
        "tried_again_at": until,
    }


def _warm_up(warming_up: WarmingUp | None, now: datetime) -> dict[str, Any] | None:
    if warming_up is None:
        return None
    limit = daily_limit(warming_up.started_on, now.date())
    if limit is None:
        return {"says": "the sending domain is warmed up", "limit_today": None, "released_today": None}
    day = max((now.date() - warming_up.started_on).days + 1, 0)
    return {
        "says": f"day {day} of {DAYS} of warming the sending domain up: what is beyond today's limit leaves tomorrow",
        "day": day,
        "limit_today": limit,
        "released_today": warming_up.released_today,
    }
