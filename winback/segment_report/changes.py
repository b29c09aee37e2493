"""How customers moved: headcount and value per family over time, and who went from where to where."""

from collections.abc import Mapping

from winback.instants import parse_instant
from winback.pages import Html, details, heat_table, line_chart, note, section, subheading
from winback.pages.charts import Hue, Line
from winback.pages.figures import count
from winback.segment_report.amounts import FEW, Amounts
from winback.segment_report.contents import SegmentReport
from winback.segmentation.movement import Movement
from winback.segmentation.names import Family, Segment
from winback.segmentation.suppression import hidden_cells

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
    days = [parse_instant(moment.as_of).strftime("%b %y") for moment in history.moments]
    families = [family for family in Family if any(moment.family(family).customers for moment in history.moments)]
    small = any(0 < m.family(f).customers < report.hidden_below for m in history.moments for f in families)

    def lines(field: str) -> list[Line]:
        return [
            Line(family, [getattr(moment.family(family), field) for moment in history.moments], _HUES[family])
            for family in families
        ]

    charts = (
        [note(f"Families of fewer than {report.hidden_below} customers occur, so their history is not shown.")]
        if small
        else [
            subheading("Customers by family"),
            line_chart(lines("customers"), days, show=lambda v: count(int(v)), label="Customers by family over time"),
            subheading(f"Net value so far by family{amounts.unit}"),
            line_chart(
                lines("net_minor"),
                days,
                show=amounts.rounded,
                label="Net value by family over time",
            ),
        ]
    )
    return section(
        "How they moved",
        *charts,
        subheading(f"From {history.since[:10]} to {report.summary.as_of[:10]}"),
        _matrix(_by_family(history.movement), [str(f) for f in Family], report.hidden_below, "Family then"),
        details(
            "By segment",
            _matrix(_by_segment(history.movement), [str(s) for s in Segment], report.hidden_below, "Segment then"),
        ),
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


def _matrix(moves: Mapping[tuple[str, str], int], names: list[str], hidden_below: int, corner: str) -> Html:
    rows = [name for name in [*names, _NEW] if any(source == name for source, _ in moves)]
    headings = [name for name in [*names, _GONE] if any(target == name for _, target in moves)]
    margins = [
        *([(row, heading) for heading in headings if (row, heading) in moves] for row in rows),
        *([(row, heading) for row in rows if (row, heading) in moves] for heading in headings),
    ]
    hidden = hidden_cells(moves, margins, hidden_below)

    def cell(row: str, heading: str) -> float | str:
        return FEW if (row, heading) in hidden else moves.get((row, heading), 0)

    return heat_table(
        rows,
        headings,
        [[cell(row, heading) for heading in headings] for row in rows],
        corner=corner,
        show=lambda number: count(int(number)) if number else "",
    )
