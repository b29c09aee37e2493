"""A brief as Markdown that renders alike everywhere: CommonMark with the tables of GitHub's dialect.

Every text is escaped, ours too, so that notes can neither break a table nor bring HTML, links or pictures of their own.
CommonMark 0.31, section 2.4: any punctuation may be escaped. Bare addresses would still become links where a renderer
looks for them (GitHub Flavored Markdown 0.29, section 6.9), so these are broken up too.
"""

import re

from winback.briefs.sections import Block, Brief, Bullets, Heading, Item, Paragraph, Section, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$]|&(?=#?\w+;))")
_FIRST = re.compile(r"^([-+=:]|\d{1,9}(?=[.)](?:\s|$)))")
_ADDRESS = re.compile(r"(?i)(?<=www)\.|(?<=mailto):|:(?=//)|@")
_SPACE = re.compile(r"[ \x00-\x1f\x7f\u0085\u2028\u2029]+")


def markdown(brief: Brief) -> str:
    parts = [f"# {escape(brief.title)}", f"*{escape(brief.basis)}*", *(_section(each) for each in brief.sections)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    plain = _SPACE.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).strip(" ")
    escaped = _ADDRESS.sub(lambda found: f"\\{found[0]}", _SPECIAL.sub(r"\\\1", plain))
    return _FIRST.sub(_escape_first, escaped)


def _escape_first(found: re.Match[str]) -> str:
    """What would begin a list, a rule or a heading; behind a number it is the dot or the bracket."""
    return f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}"


def _section(section: Section) -> str:
    return "\n\n".join([f"## {escape(section.title)}", *(_block(block) for block in section.blocks)])


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"### {escape(text)}"
        case Paragraph(text):
            return escape(text)
        case Bullets(items):
            return "\n".join(f"- {_item(item)}" for item in items)
        case Table():
            return _table(block)


def _item(item: Item) -> str:
    if not item.lead:
        return escape(item.text)
    return f"**{escape(item.lead)}** {escape(item.text)}" if item.lead[-1:] in ".:?" else _titled(item)


def _titled(item: Item) -> str:
    return f"**{escape(item.lead)}:** {escape(item.text)}"


def _table(table: Table) -> str:
    rules = ["---:" if letter == "r" else "---" for letter in table.align]
    rows = [[escape(cell) for cell in row] for row in (table.columns, *table.rows)]
    lines = [rows[0], rules, *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
