"""The fate of each planned send: its plan row beside its ledger row, as one flat row that the SQL reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from winback.accounts.unknown_sends import UnknownSends
from winback.campaigns.launch import LaunchState
from winback.campaigns.planning import ALLOW
from winback.delivery.gate import Reason
from winback.delivery.ledger import Outcome, Row, State, outcome
from winback.identifiers import SendId

# Name -> DuckDB type of the columns of a fates file, one JSON object a line.
COLUMNS = {
    "customer_key": "VARCHAR",
    "step": "INTEGER",
    "arm": "VARCHAR",
    "channel": "VARCHAR",
    "verdict": "VARCHAR",
    "outcome": "VARCHAR",
    "reasons": "VARCHAR[]",
    "attempted": "BOOLEAN",
    "error": "VARCHAR",
    "offer_id": "VARCHAR",
    "code": "VARCHAR",
    "claimed_at": "TIMESTAMP",
    "accepted_at": "TIMESTAMP",
    "opened_at": "TIMESTAMP",
    "machine_opened_at": "TIMESTAMP",
    "clicked_at": "TIMESTAMP",
    "bot_clicked_at": "TIMESTAMP",
    "unsubscribed_at": "TIMESTAMP",
    "complained_at": "TIMESTAMP",
}
_INSTANTS = [name for name, kind in COLUMNS.items() if kind == "TIMESTAMP"]


def fate(
    planned: Mapping[str, Any],
    ledger_row: Row | None,
    state: LaunchState,
    *,
    wall: datetime | None = None,
    unknown: UnknownSends | None = None,
) -> dict[str, Any]:
    """One fates row. `planned` is a plan row and `ledger_row` its send, if there is one (docs/data-model.md).

    A planned send that was denied and has no row is skipped, with the plan's reasons. One that is still due when the
    launch is over will never leave: it is skipped too, as cancelled, or as stale where its time ran out. `attempted`:
    some sender took the send in hand, whatever came of it. `error`: why it failed, or why nobody knows. `wall`, the
    process's own time, and the account's `unknown` settle what no event did (winback.delivery.ledger.outcome).
    `channel`, `offer_id` and `code` are those of the send, before it the plan's.
    """
    result, reasons = outcome(ledger_row, wall=wall, unknown=unknown), list(planned["reasons"])
    if ledger_row is not None and result is Outcome.SKIPPED:
        reasons = list(ledger_row.get("reasons", []))
    elif ledger_row is None and planned["verdict"] != ALLOW:
        result = Outcome.SKIPPED
    elif result is Outcome.DUE and state.over and not _may_be_leaving(ledger_row):
        why = Reason.CANCELLED if state is LaunchState.CANCELLED else Reason.STALE
        result, reasons = Outcome.SKIPPED, [why.value]
    row = ledger_row or {}
    return {
        "customer_key": planned["customer_key"],
        "step": SendId.parse(planned["send_id"]).step,
        "arm": planned["arm"],
        "channel": row.get("channel") or planned.get("channel"),
        "verdict": planned["verdict"],
        "outcome": result.value,
        "reasons": reasons if result is Outcome.SKIPPED else [],
        "attempted": ledger_row is not None and result is not Outcome.SKIPPED,
        "error": _error(row) if result in (Outcome.FAILED, Outcome.UNKNOWN) else None,
        "offer_id": row.get("offer_id"),
        "code": row.get("code"),
        **{name: row.get(name) for name in _INSTANTS},
    }


def _error(row: Row) -> str:
    """The provider's code, or ours; of a claim whose sender is gone the one that the next sender would note."""
    told = ("rejected_at", "Rejected"), ("rendering_failed_at", "RenderingFailed")
    return next((code for name, code in told if name in row), str(row.get("error", "Abandoned")))


def _may_be_leaving(row: Row | None) -> bool:
    return row is not None and row["state"] == State.CLAIMED
