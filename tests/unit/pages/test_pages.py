"""A page is one well-formed, self-contained document, whatever text goes into it."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback import pages
from winback.pages import figures

# XML 1.0 has no control characters, surrogates or non-characters.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=30)
shares = st.floats(-1, 1, allow_nan=False)


def parse(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document.removeprefix("<!DOCTYPE html>\n"))


def a_full_page(text: str = "Slipping VIPs") -> str:
    return pages.page(
        text,
        text,
        [
            pages.section(
                text,
                pages.tiles([pages.Tile(text, 3, text, "good")]),
                pages.bar_chart([pages.Bar(text, 3, text), pages.Bar(text, 0)], unit=text, label=text),
                pages.interval_chart([pages.Interval(text, 0.1, -0.1, 0.3, text)], show=figures.points, unit=text),
                pages.funnel([pages.Stage(text, 10), pages.Stage(text, 4)]),
                pages.line_chart([pages.Line(text, [0, 0.1])], [text, text], show=figures.percent, label=text),
                pages.table([text, text], [[text, None], [text, 1234]], total=[text, 3], caption=text),
                pages.heat_table([text], [text, text], [[3, None]], corner=text),
                pages.columns(pages.note(text, tone="caution"), pages.details(text, pages.bullets([text]))),
                lead=text,
            )
        ],
        kicker=text,
        facts=[(text, text)],
        footer=text,
    )


@given(texts)
def test_any_text_is_escaped_and_the_page_stays_well_formed(text):
    page = parse(a_full_page(text))
    assert page.find(".//h1").text in (text, None)
    assert text in ["".join(cell.itertext()) for cell in page.iter("th")]


def test_a_script_in_a_name_is_shown_not_run():
    assert "<script" not in a_full_page('<script src="https://evil.example">')


def test_a_page_fetches_nothing():
    page = a_full_page()
    assert not re.search(r"(?i)https?:|//|url\(|@import|<(script|link|img|iframe)\b", page)
    assert "default-src &#x27;none&#x27;" in page


def test_a_missing_figure_is_a_dash_and_a_whole_number_has_separators():
    cells = [
        cell.text
        for cell in parse(pages.page("t", "", [pages.table(["a", "b"], [["x", None], ["y", 12345]])])).iter("td")
    ]
    assert cells == ["\u2013", "12,345"]


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="row 2 has 1 entries: expected 2"):
        pages.table(["a", "b"], [["x", 1], ["y"]])


@given(st.lists(st.tuples(shares, shares, shares).map(sorted), min_size=1, max_size=6))
def test_every_interval_is_drawn_inside_its_lane(bounds):
    chart = pages.interval_chart(
        [pages.Interval("row", middle, low, high) for low, middle, high in bounds], show=figures.points
    )
    for left in re.findall(r"left:([-\d.]+)%", chart):
        assert 0 <= float(left) <= 100


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_every_point_of_a_line_lies_inside_the_plot(values):
    chart = pages.line_chart(
        [pages.Line("Treated", values)], [str(n) for n in range(len(values))], show=figures.percent, label="x"
    )
    spots = re.search(r'points="([^"]+)"', chart).group(1).split()
    assert all(0 <= float(y) <= 400 for _, y in (spot.split(",") for spot in spots))


def test_an_interval_that_includes_zero_is_drawn_hollow():
    def drawn(low: float, high: float) -> str:
        return pages.interval_chart([pages.Interval("row", (low + high) / 2, low, high)], show=figures.points)

    assert 'class="dot open"' in drawn(-0.01, 0.05)
    assert 'class="dot full"' in drawn(0.01, 0.05)


def test_an_interval_chart_reads_as_text():
    chart = pages.interval_chart([pages.Interval("All", 0.012, -0.004, 0.028)], show=figures.points)
    assert "+1.2\u202fpp" in chart
    assert "\u22120.4 to +2.8\u202fpp" in chart


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figures.percent(0.1234), "12.3\u202f%"),
        (figures.points(-0.0001), "0.0\u202fpp"),
        (figures.points(-0.012), "\u22121.2\u202fpp"),
        (figures.count(1234567), "1,234,567"),
        (figures.money(123456, "EUR"), "1,234.56 EUR"),
        (figures.money(123456, "XXX"), "1,234.56"),
        (figures.mean_money(1234.4, "XXX"), "12.34"),
        (figures.mean_money(1234.4, "JPY", sign=True), "+1,234\u202fJPY"),
        (figures.percent(None), "\u2013"),
    ],
)
def test_figures_read_as_a_marketer_writes_them(shown, expected):
    assert shown == expected


def test_a_line_needs_a_value_for_each_position():
    with pytest.raises(ValueError, match="'Treated' has 1 values: expected 2"):
        pages.line_chart([pages.Line("Treated", [1])], ["1", "2"], show=figures.percent, label="x")


def test_a_marked_position_has_an_upright_rule():
    lines = [pages.Line("Treated", [1, 2, 3, 4, 5])]
    labels = [str(n) for n in range(5)]

    marked = pages.line_chart(lines, labels, show=figures.percent, label="x", mark=1)

    assert 'class="upright" style="left:25.00%"' in marked
    assert "upright" not in pages.line_chart(lines, labels, show=figures.percent, label="x")


def test_cells_that_cannot_occur_are_told_apart_from_empty_ones():
    grid = pages.heat_table(["VIP"], ["Active", "New"], [[0, None]])
    assert grid.count("cannot occur") == 1
    assert ">0<" in grid
