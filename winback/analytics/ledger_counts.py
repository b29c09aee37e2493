"""The ledger's planned sends by their final outcomes: in all, by step, by channel."""

from collections import Counter
from collections.abc import Iterable, Mapping

import duckdb

from winback.analytics.database import sql
from winback.analytics.report import ChannelFunnel, Funnel, Ledger, LedgerStep, ReasonCount

_FUNNEL = (
    "arrived",
    "opened",
    "opened_by_machines_only",
    "clicked",
    "clicked_by_bots_only",
    "unsubscribed",
    "complained",
)
_OUTCOMES = tuple(name for name in LedgerStep.model_fields if name != "planned")


def read_ledger(db: duckdb.DuckDBPyConnection) -> tuple[Ledger, Funnel, tuple[ChannelFunnel, ...]]:
    cursor = db.execute(sql("ledger"))
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    by_step = [row for row in rows if row["step"] is not None]
    by_channel = [row for row in rows if row["channel"] is not None]
    total: Counter[str] = Counter()
    for row in by_step:
        total.update({name: value for name, value in row.items() if name not in ("step", "channel")})
    steps = {row["step"]: _step(row) for row in by_step}
    skipped = db.execute(
        "SELECT reason, count(*) "
        "FROM (SELECT unnest(reasons) AS reason FROM fates WHERE arm = 'treatment') GROUP BY ALL"
    ).fetchall()
    failed = db.execute(
        "SELECT error, count(*) FROM fates WHERE arm = 'treatment' AND error IS NOT NULL GROUP BY ALL"
    ).fetchall()
    whole = _step(total)
    difference = whole.planned - sum(getattr(whole, name) for name in _OUTCOMES)
    # Two steps could be off in opposite directions.
    balanced = all(step.planned == sum(getattr(step, name) for name in _OUTCOMES) for step in steps.values())
    ledger = Ledger(
        **whole.model_dump(),
        difference=difference,
        balanced=balanced,
        skipped_reasons=most_frequent_first(skipped),
        failed_reasons=most_frequent_first(failed),
        steps=steps,
        channels={row["channel"]: _step(row) for row in by_channel},
    )
    channels = tuple(
        ChannelFunnel(channel=row["channel"], engaged=row["engaged"], **_funnel(row, _step(row)).model_dump())
        for row in by_channel
        if row["channel"] != "none"
    )
    return ledger, _funnel(total, ledger), channels


def most_frequent_first(rows: Iterable[tuple[str, int]]) -> tuple[ReasonCount, ...]:
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)


def _funnel(row: Mapping[str, int], step: LedgerStep) -> Funnel:
    return Funnel(planned=step.planned, handed_over=step.handed_over, **{name: row[name] for name in _FUNNEL})


def _step(row: Mapping[str, int]) -> LedgerStep:
    return LedgerStep(planned=row["planned"], **{name: row[name] for name in _OUTCOMES})
