"""What the API is asked for a brief."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.briefs.notes import LONGEST, notes_of
from winback.briefs.reading import Reading, read_form, read_text


class BriefQuery(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["markdown", "json"] | None = Field(default=None, description="none: as the header Accept says")


class BriefRequest(BaseModel):
    """`notes`: text as it comes, or the form of winback.briefs.notes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notes: str | dict[str, Any] = Field(description=f"at most {LONGEST} characters are read")

    def reading(self) -> Reading:
        """Raises InvalidNotes for a form that does not fit."""
        return read_text(self.notes) if isinstance(self.notes, str) else read_form(notes_of(self.notes))


def wants_json(query: BriefQuery, accept: str | None) -> bool:
    """Markdown unless JSON is asked for."""
    if query.format is not None:
        return query.format == "json"
    return "application/json" in (accept or "") and "text/markdown" not in (accept or "")
