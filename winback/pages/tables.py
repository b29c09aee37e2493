"""Tables that scroll inside themselves instead of pushing the page wide."""

from collections.abc import Callable, Sequence

from winback.pages.figures import MISSING, count
from winback.pages.markup import Content, Html, element

_ALIGNMENT = {"l": None, "r": "right", "c": "centre"}


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Content]],
    *,
    align: str | None = None,
    caption: str = "",
    total: Sequence[Content] | None = None,
) -> Html:
    """The first cell of a row is its heading. `align` has a letter a column, `l`, `r` or `c`; by default all but the
    first are right-aligned. Whole numbers get thousands separators, None becomes a dash. `total` is a last row set
    apart.

    Raises ValueError when a row or `align` has not one entry a column.
    """
    letters = align or "l" + "r" * (len(columns) - 1)
    for what, length in (("align", len(letters)), *((f"row {n}", len(row)) for n, row in enumerate(rows, 1))):
        if length != len(columns):
            raise ValueError(f"{what} has {length} entries: expected {len(columns)}, one a column")
    head = element(
        "thead",
        element("tr", *(element("th", name, scope="col", class_=_ALIGNMENT[a]) for name, a in _pair(columns, letters))),
    )
    body = element("tbody", *(_row(row, letters) for row in rows))
    foot = element("tfoot", _row(total, letters)) if total is not None else None
    title = element("caption", caption) if caption else None
    return _scrolling(element("table", title, head, body, foot), caption or ", ".join(columns))


def heat_table(
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    values: Sequence[Sequence[float | str | None]],
    *,
    corner: str = "",
    show: Callable[[float], str] = lambda value: count(int(value)),
    caption: str = "",
) -> Html:
    """A grid whose cells are shaded from nothing (zero) to full (the largest value).

    None is a cell that cannot be; a text stands as it is, unshaded.
    """
    peak = max((value for row in values for value in row if isinstance(value, int | float)), default=0) or 1

    def cell(value: float | str | None) -> Html:
        if value is None:
            return element("td", "", class_="right impossible", aria_label="cannot occur")
        if isinstance(value, str):
            return element("td", value, class_="right")
        # The square root keeps small cells visible beside a very large one.
        shade = (max(value, 0) / peak) ** 0.5 * 100
        return element("td", show(value), class_="right heat", style=f"--heat:{shade:.0f}%")

    head = element(
        "thead",
        element(
            "tr",
            element("th", corner, scope="col"),
            *(element("th", label, scope="col", class_="right") for label in column_labels),
        ),
    )
    body = element(
        "tbody",
        *(
            element("tr", element("th", label, scope="row"), *(cell(value) for value in row))
            for label, row in zip(row_labels, values, strict=True)
        ),
    )
    title = element("caption", caption) if caption else None
    return _scrolling(element("table", title, head, body, class_="grid"), caption or corner or "grid")


def _pair(cells: Sequence[Content], letters: str) -> list[tuple[Content, str]]:
    return list(zip(cells, letters, strict=True))


def _row(cells: Sequence[Content], letters: str) -> Html:
    first, *rest = _pair(cells, letters)
    return element(
        "tr",
        element("th", _shown(first[0]), scope="row", class_=_ALIGNMENT[first[1]]),
        *(element("td", _shown(value), class_=_ALIGNMENT[letter]) for value, letter in rest),
    )


def _shown(value: Content) -> Content:
    if value is None:
        return MISSING
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _scrolling(content: Html, label: str) -> Html:
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex=0)
