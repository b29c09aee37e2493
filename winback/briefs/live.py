"""What a snapshot's summary.json tells a brief."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from winback.briefs.facts import (
    AccountFacts,
    AcquisitionLine,
    Assumption,
    Bands,
    CampaignLine,
    Certainty,
    Channel,
    Fact,
    GapLine,
    Lift,
    Limit,
    Return,
    SegmentFacts,
    Source,
)
from winback.briefs.levers import SETTLED_DAYS
from winback.briefs.particulars import AcquisitionTotals, Particulars, SegmentParticulars
from winback.briefs.stages import STAGE_OF
from winback.features.rhythm import FLOOR_DAYS, Calibration
from winback.pages.figures import count
from winback.playbook.rows import Playbook
from winback.playbook.standing import Standing
from winback.playbook.table import PlaybookTable, playbook_table
from winback.segmentation.names import Segment
from winback.segmentation.totals import BandTotals, BehaviourTotals, SegmentTotals, TierTotals

VERSION = 2
FEWEST_TOLD = 30
"""Customers below which a segment's figures are those of a few people: the organic return is not told either."""
_UNKNOWN_TIER = "n/a"


class SummaryTooOld(LookupError):
    """It does not tell what a brief needs."""


def facts_of_summary(document: Mapping[str, Any], playbook: Playbook, *, fewest: int = 1) -> AccountFacts:
    """`document` is summary.json or a dumped Summary, with `data_quality` and `particulars` where they are known.

    What it hides stays hidden; shares of fewer than `fewest` customers are left out too. Raises SummaryTooOld for
    one of before the second version: it has no priorities.
    """
    if document.get("version") != VERSION:
        raise SummaryTooOld("this snapshot is of before briefs: refresh once more (POST /v1/refreshes)")
    return _Reading(document, playbook, fewest).account()


class _Reading:
    def __init__(self, document: Mapping[str, Any], playbook: Playbook, fewest: int) -> None:
        self.document, self.fewest = document, fewest
        self.standing = Standing.of(dict(document))
        self.playbook = playbook_table(playbook, self.standing)
        self.rhythm = Calibration.model_validate(document["rubric"]["rhythm"])
        self.totals = {row.segment: row for row in map(SegmentTotals.model_validate, document["segments"])}
        self.tiers = [TierTotals.model_validate(row) for row in document["overlays"]]
        found = document.get("particulars")
        self.particulars = Particulars.model_validate(found) if found else None
        self.gaps = list(document.get("data_quality") or ())
        self.missing = {gap["field"]: gap["share_missing"] for gap in self.gaps}
        self.history_days = int(document["rubric"]["history_days"])

    def account(self) -> AccountFacts:
        total, currency = self.standing.total, self.standing.currency
        segments = tuple(self.segment(row) for row in self.document["priorities"])
        details = self.particulars.segments if self.particulars else ()
        late = self.rhythm.base_lapse_days
        lost = float(self.document["rubric"]["settings"]["recency"]["lost_after"])
        orders = sum(row.purchase_orders for row in details)
        gross = sum(row.gross_minor for row in details)
        returned = sum(row.returns_minor for row in details)
        customers = sum(row.customers for row in details)
        bands = self.bands()
        once = bands.frequency.get("Once") if bands else None
        return AccountFacts(
            source=Source.ORDERS,
            basis=(
                f"From the orders of {count(total.customers)} customers, as of {self.standing.as_of[:10]} (exclusive)."
            ),
            currency=currency,
            segments=segments,
            customers=total.customers,
            net_minor=total.net_minor,
            lapsed=total.lapsed,
            history_days=self.history_days,
            average_order=_average(gross, orders) or _average(total.net_minor, total.orders),
            gap=Fact(self.rhythm_days(), Source.ORDERS, "the middle of customers' usual gaps")
            if self.rhythm.source == "estimated"
            else None,
            late_after=Fact(late, Source.ORDERS if self.rhythm.source == "estimated" else Source.ASSUMED),
            lost_after=Fact(round(late * lost), Source.ORDERS),
            margin=_ratio(total.margin_minor, total.margin_net_minor),
            return_rate=_ratio(returned, gross) if returned else None,
            repeat_rate=_ratio(total.customers - once, total.customers) if once is not None else None,
            bought_once=Fact(once, Source.ORDERS) if once is not None else None,
            recent_minor=Fact(sum(row.recent_minor for row in details), Source.ORDERS) if details else None,
            bands=bands,
            behaviours={
                row.behaviour: row.customers
                for row in map(BehaviourTotals.model_validate, self.document["behaviours"])
                if not row.hidden
            },
            engagement=self.tiers_of("engagement"),
            discounts=self.tiers_of("discount"),
            premium=self.tiers_of("premium"),
            breadth=self.tiers_of("breadth"),
            acquisition=tuple(self.acquisition()),
            campaigns=tuple(campaign_lines(self.playbook)),
            gaps=tuple(_gap(row) for row in self.gaps),
            channels=tuple(
                Channel(name, label, reach=_reach(name, details, customers))
                for name, label in (("email", "E-mail"), ("sms", "SMS"), ("push", "App push"))
            ),
            assumptions=tuple(self.assumptions()),
        )

    def rhythm_days(self) -> int:
        """exp of the mean log gap: the geometric mean, which is the middle of log-normal gaps."""
        return max(1, round(math.exp(self.rhythm.gap_log_mean)))

    def segment(self, priority: Mapping[str, Any]) -> SegmentFacts:
        name = Segment(priority["segment"])
        row = self.totals[name]
        certainty, why = self.certainty(row)
        stage, limit = STAGE_OF[name], Limit(**priority["contact"])
        if row.hidden:
            return SegmentFacts(
                name, stage, Certainty.LOW, "too few to be shown", hidden=True, limit=limit, leave_alone=""
            )
        own = self.own(name)
        expected, measured = priority["expected"], priority["measured"]
        return SegmentFacts(
            name=name,
            stage=stage,
            certainty=certainty,
            why_certain=why,
            customers=row.customers,
            net_minor=row.net_minor,
            average_order_minor=_value(_average(own.gross_minor, own.purchase_orders))
            if own
            else _value(_average(row.net_minor, row.orders)),
            lapsed=row.lapsed,
            bought_once=own.bought_once if own else None,
            margin_share=_value(_ratio(row.margin_minor, row.margin_net_minor)),
            gap_days=own.gap_days if own else None,
            silence_days=own.silence_days if own else None,
            late_after_days=own.lapse_days if own else None,
            returns_alone=self.organic(priority["organic"]),
            lift=Lift(measured["estimate"], measured["low"], measured["high"], priority["lift_from"] == "measured")
            if measured
            else None,
            returning_minor=expected["value_each_minor"] if expected else None,
            recent_minor=own.recent_minor if own else None,
            reach=self.reach(own) if own else {},
            engagement=self.tiers_of("engagement", name),
            discounts=self.tiers_of("discount", name),
            premium=self.tiers_of("premium", name),
            breadth=self.tiers_of("breadth", name),
            priority=priority["tier"],
            leave_alone=priority["leave_alone"],
            limit=limit,
        )

    def certainty(self, row: SegmentTotals) -> tuple[Certainty, str]:
        if row.customers < FEWEST_TOLD:
            return Certainty.LOW, f"fewer than {FEWEST_TOLD} customers, too few for rates"
        if self.rhythm.source == "prior":
            return Certainty.LOW, "too few repeat purchases to know the shop's rhythm"
        if self.history_days < SETTLED_DAYS:
            return Certainty.MEDIUM, f"{count(self.history_days)} days of history: no yearly habit can show"
        return Certainty.HIGH, "a year of orders and enough customers"

    def own(self, name: Segment) -> SegmentParticulars | None:
        rows = self.particulars.segments if self.particulars else ()
        return next((row for row in rows if row.segment is name), None)

    def organic(self, row: Mapping[str, Any] | None) -> Return | None:
        if row is None or row["share"] is None:
            return None
        few = min(row["returned"], row["customers"] - row["returned"])
        return None if 0 < few < self.fewest else Return(row["share"], row["low"], row["high"])

    def reach(self, row: SegmentParticulars) -> dict[str, float]:
        found = {}
        for channel in ("email", "sms", "push"):
            granted, known = getattr(row, f"{channel}_granted"), getattr(row, f"{channel}_known")
            few = min(granted, row.customers - granted)
            if known and not 0 < few < self.fewest:
                found[channel] = granted / row.customers
        return found

    def tiers_of(self, overlay: str, segment: Segment | None = None) -> dict[str, int]:
        """Customers by known tier; nothing when a row of them is hidden, or when the store sends nothing of it."""
        if overlay == "discount" and self.missing.get("discounts") == 1:
            return {}
        rows = [row for row in self.tiers if row.overlay == overlay and segment in (None, row.segment)]
        if any(row.hidden for row in rows):
            return {}
        found: dict[str, int] = defaultdict(int)
        for row in rows:
            if row.tier != _UNKNOWN_TIER:
                found[row.tier] += row.customers
        return dict(found) if any(found.values()) else {}

    def bands(self) -> Bands | None:
        rows = [BandTotals.model_validate(row) for row in self.document["bands"]]
        if any(row.hidden for row in rows):
            return None
        rubric = self.document["rubric"]

        def of(kind: str) -> dict[str, int]:
            return {row.band: row.customers for row in rows if row.kind == kind}

        return Bands(
            recency=of("recency"),
            frequency=of("frequency"),
            monetary=of("monetary"),
            lost_after=float(rubric["settings"]["recency"]["lost_after"]),
            frequent_purchases=rubric["bands"]["frequent_purchases"],
            high_value_minor=rubric["bands"]["high_value_minor"],
        )

    def acquisition(self) -> Iterable[AcquisitionLine]:
        rows: tuple[AcquisitionTotals, ...] = self.particulars.acquisition if self.particulars else ()
        for row in rows:
            parts = (row.customers, row.bought_once, row.customers - row.bought_once)
            if row.customers >= FEWEST_TOLD and not any(0 < part < self.fewest for part in parts):
                yield AcquisitionLine(**row.model_dump())

    def assumptions(self) -> Iterable[Assumption]:
        if self.rhythm.source == "prior":
            yield Assumption("The rhythm of purchases is another shop's: this one has too few gaps", Certainty.LOW)
        if self.history_days < SETTLED_DAYS:
            yield Assumption(
                f"{count(self.history_days)} days of history stand for a year: thresholds are read again each quarter",
                Certainty.MEDIUM,
            )
        if self.particulars is None:
            yield Assumption(
                "This snapshot tells no gaps, returns and consents per segment: thresholds are the account's",
                Certainty.MEDIUM,
            )
        if self.rhythm.base_lapse_days == FLOOR_DAYS:
            yield Assumption(f"Nobody counts as late before {FLOOR_DAYS} days of silence", Certainty.HIGH)


def campaign_lines(table: PlaybookTable) -> list[CampaignLine]:
    """The playbook's filled cells by campaign, the most urgent first."""
    lines: dict[str, CampaignLine] = {}
    for cell in sorted(table.cells, key=lambda line: line.row.priority.rank):
        hidden, number = cell.value.hidden, cell.value.customers or 0
        if not hidden and not number:
            continue
        row = cell.row
        before = lines.get(row.campaign) or CampaignLine(row.campaign, row.priority, row.timing.words, 0, 0, 0, False)
        lines[row.campaign] = CampaignLine(
            row.campaign,
            before.priority,
            before.timing,
            before.cells + 1,
            before.customers + number,
            before.net_minor + (cell.value.total_minor or 0),
            before.hidden or hidden,
        )
    return list(lines.values())


def _gap(row: Mapping[str, Any]) -> GapLine:
    return GapLine(row["field"], row["missing"], row["unlocks"][0], row["supply"], row["score"])


def _reach(channel: str, rows: Iterable[SegmentParticulars], customers: int) -> Fact[float] | None:
    given = list(rows)
    if not sum(getattr(row, f"{channel}_known") for row in given) or not customers:
        return None
    return Fact(sum(getattr(row, f"{channel}_granted") for row in given) / customers, Source.ORDERS)


def _average(total: int, number: int) -> Fact[int] | None:
    return Fact((2 * total + number) // (2 * number), Source.ORDERS) if number > 0 else None


def _ratio(part: int | None, whole: int | None) -> Fact[float] | None:
    return Fact(part / whole, Source.ORDERS) if part is not None and whole else None


def _value(fact: "Fact[Any] | None") -> Any:
    return fact.value if fact is not None else None
