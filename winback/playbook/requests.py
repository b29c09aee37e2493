"""Bodies of the playbook API's requests."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from winback.playbook.rows import parse_cell
from winback.segmentation.grid import Cell


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Apply(_Body):
    """`cells` are names such as `VIP / At Risk`; without them all 16 are meant."""

    cells: tuple[Cell, ...] | None = None
    dry: bool = False

    @field_validator("cells", mode="before")
    @classmethod
    def _named(cls, names: object) -> object:
        if names is None:
            return None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError('is no list of cells: expected such as ["VIP / At Risk"]')
        return tuple(parse_cell(name) for name in names)


class OwnRows(_Body):
    """Rows that replace the shipped ones, field by field; none at all: the shipped playbook."""

    cells: list[dict[str, Any]] = Field(default_factory=list)
    behaviours: list[dict[str, Any]] = Field(default_factory=list)


class CallsQuery(_Body):
    """`limit` is how many of the list a page looks at; those who must not be contacted now are left out of it."""

    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=100)
