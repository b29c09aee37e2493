"""The rules that each launch is checked against, over what really happened."""

import duckdb

from winback.accounts.frequency_caps import FrequencyCaps
from winback.analytics import wording
from winback.analytics.database import sql
from winback.analytics.report import Check, Ledger
from winback.campaigns.launch import Launch, LaunchState


def prepare_checks(db: duckdb.DuckDBPyConnection, launch: Launch, caps: FrequencyCaps | None) -> None:
    """Tables step_conditions and caps, which sql/checks.sql reads."""
    db.execute("CREATE OR REPLACE TABLE step_conditions (step INTEGER, branch INTEGER, way VARCHAR)")
    for touch in launch.definition.touches:
        for branch, way in touch.conditions or ((None, None),):
            db.execute("INSERT INTO step_conditions VALUES (?, ?, ?)", [touch.number, branch, way])
    db.execute("CREATE OR REPLACE TABLE caps (channel VARCHAR, sends INTEGER, days INTEGER)")
    if caps is None:
        return
    used = db.execute("SELECT DISTINCT channel FROM fates WHERE channel IS NOT NULL").fetchall()
    for (channel,) in used:
        cap = caps.of(channel)
        db.execute("INSERT INTO caps VALUES (?, ?, ?)", [channel, cap.sends, cap.days])


def run_checks(db: duckdb.DuckDBPyConnection, ledger: Ledger, launch: Launch, *, interim: bool) -> tuple[Check, ...]:
    # A cancelled launch, or one that is at it, may have been planned in part.
    complete = not interim and launch.state is not LaunchState.CANCELLED
    policy = launch.definition.offers
    found = dict(
        db.execute(
            sql("checks"),
            {
                "complete": complete,
                "approved": launch.approved_at is not None,
                "offers": [offer.offer_id for offer in launch.offers],
                "unique": [offer.offer_id for offer in launch.offers if offer.codes.unique],
                "budget": None if policy is None else policy.budget_minor,
            },
        ).fetchall()
    )
    found["ledger"] = abs(ledger.difference)
    return tuple(
        Check(
            name=name,
            text=text,
            holds=not found[name] and (name != "ledger" or ledger.balanced),
            violations=int(found[name]),
        )
        for name, text in wording.CHECKS.items()
    )
