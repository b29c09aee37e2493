"""How customers moved: headcount and value per family over time, and who went from where to where."""

from collections.abc import Mapping

from winback.instants import parse_instant
from winback.pages import Html, details, heat_table, line_chart, note, section, subheading
from winback.pages.charts import Hue, Line
from winback.pages.figures import count
from winback.segment_report.amounts import Amounts
from winback.segment_report.contents import SegmentReport
from winback.segmentation.movement import Movement
from winback.segmentation.names import Family, Segment

_HUES: dict[Family, Hue] = {
    Family.HEROES: "main",
    Family.CLIMBERS: "other",
    Family.SLIPPING: "caution",
    Family.ALREADY_LOST: "quiet",
    Family.TREND_AUDIENCE: "other",
}
_NEW, _GONE = "new buyers", "no longer buyers"


def movement(report: SegmentReport, amounts: Amounts) -> Html:
    history = report.history
    if history.movement is None or history.since is None:
        return section(
            "How they moved",
            note("Nobody had purchased a quarter earlier, so there is nothing to compare with yet."),
        )
    if report.hidden_below > 1:
        return section(
            "How they moved",
            note("Not shown where rows of few customers are hidden: sums of moves would give them away."),
        )
    days = [parse_instant(moment.as_of).strftime("%b %y") for moment in history.moments]
    families = [family for family in Family if any(moment.family(family).customers for moment in history.moments)]

    def lines(field: str) -> list[Line]:
        return [
            Line(family, [getattr(moment.family(family), field) for moment in history.moments], _HUES[family])
            for family in families
        ]

    return section(
        "How they moved",
        subheading("Customers by family"),
        line_chart(lines("customers"), days, show=lambda v: count(int(v)), label="Customers by family over time"),
        subheading(f"Net value so far by family{amounts.unit}"),
        line_chart(lines("net_minor"), days, show=amounts.rounded, label="Net value by family over time"),
        subheading(f"From {history.since[:10]} to {report.summary.as_of[:10]}"),
        _matrix(_by_family(history.movement), [str(f) for f in Family], "Family then"),
        details("By segment", _matrix(_by_segment(history.movement), [str(s) for s in Segment], "Segment then")),
        lead=(
            "Every moment is cut by the thresholds of today, so whoever moved did so by buying or by staying silent. "
            "Rows say where customers were, columns where they are."
        ),
    )


def _by_family(movement: Movement) -> dict[tuple[str, str], int]:
    return {(str(move.from_family or _NEW), str(move.to_family or _GONE)): move.customers for move in movement.families}


def _by_segment(movement: Movement) -> dict[tuple[str, str], int]:
    return {
        (str(move.from_segment or _NEW), str(move.to_segment or _GONE)): move.customers for move in movement.segments
    }


def _matrix(moves: Mapping[tuple[str, str], int], names: list[str], corner: str) -> Html:
    rows = [name for name in [*names, _NEW] if any(source == name for source, _ in moves)]
    headings = [name for name in [*names, _GONE] if any(target == name for _, target in moves)]
    return heat_table(
        rows,
        headings,
        [[moves.get((row, heading), 0) for heading in headings] for row in rows],
        corner=corner,
        show=lambda number: count(int(number)) if number else "",
    )
