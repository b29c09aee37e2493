"""Markdown shows text as it is, whatever the text."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.briefs.shops import rendered, tables
from winback.briefs.markdown import escape, markdown
from winback.briefs.sections import Brief, Paragraph, Section, Table, points

HOSTILE = [
    "<script>alert(1)</script>",
    "a | b \\| c",
    "[x](javascript:alert(1)) ![y](http://evil.example/z.png)",
    "<https://evil.example> www.evil.example mailto:a@evil.example",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "=====",
    "```code```",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt; &#60;i&#62;",
    "line\nbreak\r\n\n# two",
    "| --- | --- |",
    "$x^2$",
    ":---:",
]


def brief_of(text: str) -> Brief:
    table = Table(("A", "B"), "lr", ((text, "1"), ("x", text)))
    return Brief("crm", text, text, (Section("s", text, (Paragraph(text), points((text, text), text), table)),))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    html = rendered(markdown(brief_of(text)))
    for tag in ("<script", "<a ", "<img", "<code", "<blockquote", "<ol", "<del", "<h1>heading", "<i>", "<b>"):
        assert tag not in html
    (table,) = tables(markdown(brief_of(text)))
    assert table[1][1] == "1"
    shown = " ".join(text.split())
    assert f"<p>{shown}</p>" in unescape(html)
    assert html.count("<h1>") == html.count("<h2>") == html.count("<table>") == html.count("<ul>") == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_reads_back_as_it_was_and_breaks_no_table(text: str) -> None:
    (table,) = tables(markdown(brief_of(text)))
    assert [len(row) for row in table] == [2, 2, 2]
    assert (table[1][1], table[2][0]) == ("1", "x")


@given(st.text(max_size=80))
def test_an_escaped_text_is_one_line(text: str) -> None:
    assert len(escape(text).splitlines()) <= 1


def test_amounts_are_not_disfigured() -> None:
    assert escape("1,234.50 EUR (12 %)") == "1,234.50 EUR (12 %)"
    assert escape("Save & Retain") == "Save & Retain"
