"""Building blocks of self-contained HTML pages: reports a marketer opens from a file, a mail or a link.

Text is escaped wherever it enters; only `Html` passes as markup. Pages follow the reader's light or dark setting,
print, and hold at the width of a phone.
"""

from winback.pages.charts import (
    Bar,
    Interval,
    Line,
    Stage,
    bar_chart,
    funnel,
    interval_chart,
    line_chart,
)
from winback.pages.document import (
    Tile,
    bullets,
    columns,
    details,
    note,
    page,
    paragraph,
    section,
    subheading,
    tiles,
)
from winback.pages.markup import Content, Html, element, html, join
from winback.pages.tables import heat_table, table

__all__ = [
    "Bar",
    "Content",
    "Html",
    "Interval",
    "Line",
    "Stage",
    "Tile",
    "bar_chart",
    "bullets",
    "columns",
    "details",
    "element",
    "funnel",
    "heat_table",
    "html",
    "interval_chart",
    "join",
    "line_chart",
    "note",
    "page",
    "paragraph",
    "section",
    "subheading",
    "table",
    "tiles",
]
