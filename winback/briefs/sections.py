"""What a brief is made of: plain text in sections. No markup in it: whoever renders it escapes everything."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Paragraph:
    text: str

    def describe(self) -> dict[str, Any]:
        return {"paragraph": self.text}


@dataclass(frozen=True)
class Heading:
    """Of a part of a section."""

    text: str

    def describe(self) -> dict[str, Any]:
        return {"heading": self.text}


@dataclass(frozen=True)
class Item:
    """One point of a list; `lead` names what it is about and may be empty."""

    lead: str
    text: str

    def describe(self) -> dict[str, str]:
        return {"lead": self.lead, "text": self.text}


@dataclass(frozen=True)
class Bullets:
    items: tuple[Item, ...]

    def describe(self) -> dict[str, Any]:
        return {"bullets": [item.describe() for item in self.items]}


@dataclass(frozen=True)
class Table:
    """`align` has a letter a column, `l` or `r`. Raises ValueError when a row has another number of cells."""

    columns: tuple[str, ...]
    align: str
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in (self.align, *self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in a table of {len(self.columns)} columns")

    def without_empty_columns(self, empty: str) -> "Table":
        """Leaves out the columns that say `empty` in every row; the first one stays."""
        kept = [n for n in range(len(self.columns)) if n == 0 or any(row[n] != empty for row in self.rows)]
        return Table(
            tuple(self.columns[n] for n in kept),
            "".join(self.align[n] for n in kept),
            tuple(tuple(row[n] for n in kept) for row in self.rows),
        )

    def describe(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


Block = Heading | Paragraph | Bullets | Table


@dataclass(frozen=True)
class Section:
    name: str
    """Stable, for programs: `scorecard`."""
    title: str
    blocks: tuple[Block, ...]

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, "blocks": [block.describe() for block in self.blocks]}


@dataclass(frozen=True)
class Brief:
    kind: str
    title: str
    basis: str
    """One line: of what, as of when, from what."""
    sections: tuple[Section, ...]

    def describe(self) -> dict[str, Any]:
        """As the API and `--json` give it."""
        return {
            "kind": self.kind,
            "title": self.title,
            "basis": self.basis,
            "sections": [section.describe() for section in self.sections],
        }


def points(*items: tuple[str, str] | str) -> Bullets:
    """A list of texts, or of (lead, text)."""
    return Bullets(tuple(Item("", item) if isinstance(item, str) else Item(*item) for item in items))
