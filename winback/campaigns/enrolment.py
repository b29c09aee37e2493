"""Who of the candidates takes part, in which arm and with which variants: rows in, rows out.

Eligibility comes first, then chance: consent, address, suppression and the account's global holdout are looked at
before any arm is drawn, so both arms hold the same kind of customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.launch import Launch
from winback.delivery.gate import Reason, RecipientFacts, eligibility, reached_by_none
from winback.experiments.assignment import Arm, arm, assignment_salt, variant
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import CustomerKey

Row = dict[str, Any]
_TURNS = (Reason.GLOBAL_HOLDOUT, Reason.WASHOUT)


def enrol(
    launch: Launch,
    candidates: Iterable[Row],
    facts: Mapping[CustomerKey, Sequence[RecipientFacts]],
    global_holdout: GlobalHoldout,
) -> list[Row]:
    """The audience rows of docs/data-model.md. `facts`: of each customer, on each channel that a step may take.

    An ineligible one, whom no channel reaches or who has a turn in the global holdout or its wash-out, has no arm
    (None), no variants and all reasons. `measured` says whether the customer belongs to the causal comparison: those of
    a tier that the campaign's holdout excludes are treated, so nobody is held out whom they could be compared with.
    `reached_by`: of a launch with several channels, those that reach the customer, where that is not all of them.
    """
    definition = launch.definition
    holdout_salt = assignment_salt(launch.campaign_id, "holdout")
    tests = [
        (experiment.name, assignment_salt(launch.campaign_id, f"experiment:{experiment.name}"), experiment.shares)
        for experiment in definition.experiments
    ]
    channels = [str(channel) for channel in definition.used_channels]
    spared = {str(tier) for tier in definition.holdout.exclude_tiers}
    rows = []
    for candidate in candidates:
        customer, tier = CustomerKey(candidate["customer_key"]), candidate["value_tier"]
        reasons = _reasons(facts[customer], turn(global_holdout, launch.account_id, customer, tier, launch.starts_at))
        eligible, measured = not reasons, not reasons and tier not in spared
        drawn = arm(holdout_salt, customer, launch.holdout_share) if measured else Arm.TREATMENT
        rows.append(
            {
                **candidate,
                "eligible": eligible,
                "reasons": reasons,
                "arm": str(drawn) if eligible else None,
                "measured": measured,
                "variants": {name: variant(salt, customer, shares) for name, salt, shares in tests} if eligible else {},
                **(_reached_by(channels, facts[customer]) if eligible else {}),
            }
        )
    return rows


def _reached_by(channels: Sequence[str], facts: Sequence[RecipientFacts]) -> dict[str, list[str]]:
    open_ones = [channel for channel, known in zip(channels, facts, strict=True) if _is_open(known)]
    return {"reached_by": open_ones} if len(open_ones) < len(channels) else {}


def _is_open(known: RecipientFacts) -> bool:
    return not set(eligibility(known).reasons) - set(_TURNS)


def _reasons(channels: Sequence[RecipientFacts], standing: Turn) -> list[str]:
    """None when one channel is open to the customer, else why none is, in the gate's order.

    Whose turn it is in the global holdout is decided here, by the value tier of the launch's own snapshot.
    """
    closed = [[reason for reason in eligibility(known).reasons if reason not in _TURNS] for known in channels]
    found = set(reached_by_none(closed)) if all(closed) else set[Reason]()
    if standing is not Turn.NONE:
        found.add(Reason(str(standing)))
    return [str(reason) for reason in Reason if reason in found] if found else []
