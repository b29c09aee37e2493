"""Charts of HTML, CSS and a little SVG: letters keep their size at every width, and it all reads as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

from winback.pages.document import details
from winback.pages.figures import count, decimal, percent, span
from winback.pages.markup import Content, Html, element
from winback.pages.tables import table

Show = Callable[[float], str]
Hue = Literal["main", "other", "quiet", "caution"]
_NOTHING = 1e-12  # a range smaller than this is no range to draw a scale over


@dataclass(frozen=True)
class Bar:
    """`value` None: not shown, so that it has neither bar nor figure, only its note."""

    label: str
    value: float | None
    note: str = ""
    hue: Hue = "main"


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds, all in the chart's unit. None: it cannot be estimated."""

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True)
class Stage:
    """One step of a funnel."""

    label: str
    count: int
    note: str = ""


@dataclass(frozen=True)
class Line:
    name: str
    values: Sequence[float]
    hue: Hue = "main"


def bar_chart(rows: Sequence[Bar], *, unit: str = "", show: Show | None = None, label: str = "") -> Html:
    """Horizontal bars from zero, each with its label and figure in words. A negative value has no bar."""
    written = show or (lambda value: count(int(value)) if float(value).is_integer() else decimal(value))
    peak = max((row.value or 0 for row in rows), default=0) or 1
    items = [
        element(
            "li",
            element("span", row.label, class_="bar-label"),
            _track(max(row.value or 0, 0) / peak * 100, row.hue),
            element(
                "span",
                "" if row.value is None else f"{written(row.value)}{' ' + unit if unit else ''}",
                element("small", row.note) if row.note else None,
                class_="bar-value",
            ),
        )
        for row in rows
    ]
    return element("ul", *items, class_="bars", aria_label=label or None)


def funnel(stages: Sequence[Stage], *, label: str = "Funnel") -> Html:
    """Each stage as a bar of the first one's length, with its count and its share of the first."""
    first = stages[0].count if stages else 0
    return bar_chart(
        [
            Bar(stage.label, stage.count, stage.note or (percent(stage.count / first) if first and n else ""))
            for n, stage in enumerate(stages)
        ],
        show=lambda value: count(int(value)),
        label=label,
    )


def interval_chart(rows: Sequence[Interval], *, show: Show, unit: str = "", label: str = "") -> Html:
    """A point with its interval for each row, on one scale with a line at zero.

    An interval that includes zero is drawn hollow. `show` writes a value, such as `figures.points`; `unit` names the
    scale.
    """
    known = [value for row in rows for value in (row.estimate, row.low, row.high) if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if high - low < _NOTHING:
        low, high = -1.0, 1.0
    pad = (high - low) * 0.06
    low, high = low - pad, high + pad
    margin = (high - low) * 0.09  # a label this close to an edge would stand over it
    ticks = [tick for tick in _ticks(low, high, 6) if low + margin <= tick <= high - margin]

    def at(value: float) -> str:
        return f"{(value - low) / (high - low) * 100:.2f}%"

    zero = element("i", class_="zero", style=f"left:{at(0)}", aria_hidden="true")
    items = [
        element(
            "li",
            element("span", row.label, class_="bar-label"),
            element("span", zero, *_interval_marks(row, at), class_="lane", aria_hidden="true"),
            element("span", _interval_words(row, show), class_="bar-value"),
        )
        for row in rows
    ]
    axis = element(
        "li",
        element("span", unit, class_="bar-label"),
        element(
            "span",
            *(element("i", show(tick), class_="tick", style=f"left:{at(tick)}") for tick in ticks),
            class_="lane scale",
        ),
        element("span", "", class_="bar-value"),
        class_="axis",
        aria_hidden="true",
    )
    return element("ul", *items, axis, class_="bars intervals", aria_label=label or None)


def line_chart(
    lines: Sequence[Line],
    x_labels: Sequence[str],
    *,
    show: Show,
    label: str,
    x_title: str = "",
    mark: int | None = None,
) -> Html:
    """Lines over the same positions on a scale with zero in it, a legend, and the figures in a folded table below.

    An upright rule stands at position `mark`, which `x_title` should explain. Raises ValueError when a line has not one
    value for each of `x_labels`.
    """
    for line in lines:
        if len(line.values) != len(x_labels):
            raise ValueError(f"line {line.name!r} has {len(line.values)} values: expected {len(x_labels)}")
    known = [value for line in lines for value in line.values]
    low, high = min([0.0, *known]), max([0.0, *known])
    if high - low < _NOTHING:
        high = low + 1.0
    ticks = _ticks(low, high, 4)
    bottom, top = min(low, ticks[0]), max(high, ticks[-1])
    steps = max(len(x_labels) - 1, 1)

    def polyline(line: Line) -> Html:
        spots = " ".join(
            f"{n / steps * 1000:.1f},{(top - value) / (top - bottom) * 400:.1f}" for n, value in enumerate(line.values)
        )
        return element("polyline", points=spots, class_=f"stroke {line.hue}", vector_effect="non-scaling-stroke")

    grid = [
        element("i", class_="rule", style=f"bottom:{(tick - bottom) / (top - bottom) * 100:.2f}%") for tick in ticks
    ]
    scale = [element("b", show(tick), style=f"bottom:{(tick - bottom) / (top - bottom) * 100:.2f}%") for tick in ticks]
    if mark is not None:
        grid.append(element("i", class_="upright", style=f"left:{mark / steps * 100:.2f}%"))
    picture = element(
        "svg",
        *(polyline(line) for line in lines),
        viewBox="0 0 1000 400",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    every = max(1, -(-len(x_labels) // 7))
    below = [
        element("b", text, style=f"left:{n / steps * 100:.2f}%") for n, text in enumerate(x_labels) if n % every == 0
    ]
    legend = [
        element(
            "span",
            element("i", class_=f"swatch {line.hue}", aria_hidden="true"),
            f"{line.name} ",
            element("b", show(line.values[-1]) if line.values else ""),
        )
        for line in lines
    ]
    rows: list[list[Content]] = [[x, *(show(line.values[n]) for line in lines)] for n, x in enumerate(x_labels)]
    return element(
        "figure",
        element("div", *legend, class_="legend"),
        element(
            "div",
            element("div", *scale, class_="y-scale", aria_hidden="true"),
            element("div", *grid, picture, class_="plot", role="img", aria_label=label),
            element("div", *below, class_="x-scale", aria_hidden="true"),
            class_="line-chart",
        ),
        element("figcaption", x_title) if x_title else None,
        details("The figures", table([x_title or "", *(line.name for line in lines)], rows)),
    )


def _track(width: float, hue: Hue) -> Html:
    return element(
        "span", element("i", class_=hue, style=f"width:{width:.2f}%"), class_="lane track", aria_hidden="true"
    )


def _interval_marks(row: Interval, at: Callable[[float], str]) -> list[Html]:
    if row.estimate is None or row.low is None or row.high is None:
        return []
    open_or_full = "open" if row.low <= 0 <= row.high else "full"
    return [
        element("i", class_=f"span {open_or_full}", style=f"left:{at(row.low)};right:calc(100% - {at(row.high)})"),
        element("i", class_=f"dot {open_or_full}", style=f"left:{at(row.estimate)}"),
    ]


def _interval_words(row: Interval, show: Show) -> Html:
    if row.estimate is None or row.low is None or row.high is None:
        return element("span", "not known", element("small", row.note) if row.note else None)
    bounds = span(show(row.low), show(row.high))
    return element("span", show(row.estimate), element("small", f"{bounds}{'; ' + row.note if row.note else ''}"))


def _ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) within the bounds, about `wanted` of them."""
    raw = (high - low) / wanted
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = -floor(-low / step)
    return [round(n * step, 12) + 0.0 for n in range(first, floor(high / step + 1e-9) + 1)]
