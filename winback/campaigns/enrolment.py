"""Who of the candidates takes part, in which arm and with which variants: rows in, rows out.

Eligibility comes first, then chance: consent, address, suppression and the account's global holdout are looked at
before any arm is drawn, so both arms hold the same kind of customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from winback.accounts.global_holdout import GlobalHoldout
from winback.campaigns.launch import Launch
from winback.delivery.gate import Reason, RecipientFacts, eligibility
from winback.experiments.assignment import arm, assignment_salt
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import CustomerKey

Row = dict[str, Any]


def enrol(
    launch: Launch,
    candidates: Iterable[Row],
    facts: Mapping[CustomerKey, Sequence[RecipientFacts]],
    global_holdout: GlobalHoldout,
) -> list[Row]:
    """The audience rows of docs/data-model.md. `facts`: of each customer, on each of the campaign's channels.

    An ineligible one, whom no channel reaches or who has a turn in the global holdout or its wash-out, has no arm
    (None), no variants and all reasons. `measured` says whether the customer belongs to the causal comparison.
    """
    holdout_salt = assignment_salt(launch.campaign_id, "holdout")
    share = launch.holdout_share
    rows = []
    for candidate in candidates:
        customer = CustomerKey(candidate["customer_key"])
        reasons = _unreachable(facts[customer])
        standing = turn(global_holdout, launch.account_id, customer, candidate["value_tier"], launch.starts_at)
        if standing is not Turn.NONE:
            reasons = [*reasons, str(standing)]
        eligible = not reasons
        rows.append(
            {
                **candidate,
                "eligible": eligible,
                "reasons": reasons,
                "arm": str(arm(holdout_salt, customer, share)) if eligible else None,
                "measured": eligible,
                "variants": {},
            }
        )
    return rows


def _unreachable(channels: Sequence[RecipientFacts]) -> list[str]:
    """Nothing when one channel is open to the customer, else the reasons of all, each once and in the gate's order."""
    verdicts = [eligibility(known) for known in channels]
    if any(verdict.allowed for verdict in verdicts):
        return []
    found = {reason for verdict in verdicts for reason in verdict.reasons}
    return [str(reason) for reason in Reason if reason in found]
