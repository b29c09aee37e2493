"""An import: one uploaded file on its way into the lake, and the states that it passes through."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from winback.identifiers import AccountId, ImportId
from winback.imports.columns import CUSTOMERS, EVENTS, ORDERS, RATES, Canon
from winback.instants import format_instant, parse_instant

Kind = Literal["orders", "customers", "events", "rates"]
Format = Literal["csv", "jsonl", "parquet", "xml"]
Instant = Annotated[
    datetime,
    BeforeValidator(lambda value: parse_instant(value) if isinstance(value, str) else value),
    PlainSerializer(format_instant, return_type=str),
]


class ImportState(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    PROCESSING = "processing"
    FINISHED = "finished"
    FAILED = "failed"  # the file as a whole could not be read: `reason` says why

    @property
    def over(self) -> bool:
        return self in (ImportState.FINISHED, ImportState.FAILED)


class Outcome(BaseModel):
    """What became of the rows: `read = accepted + duplicates + rejected`; `rejects_by_reason` adds up to `rejected`."""

    model_config = ConfigDict(frozen=True)

    read: int = Field(ge=0)
    accepted: int = Field(ge=0)
    duplicates: int = Field(ge=0)
    rejected: int = Field(ge=0)
    rejects_by_reason: dict[str, int]

    def model_post_init(self, _: Any) -> None:
        if self.read != self.accepted + self.duplicates + self.rejected:
            raise ValueError("rows are unaccounted for: read is not accepted + duplicates + rejected")

    def with_known(self, known: int) -> "Outcome":
        """`known` of the accepted rows turned out to be in the lake or the table already."""
        return self.model_copy(update={"accepted": self.accepted - known, "duplicates": self.duplicates + known})


class ImportJob(BaseModel):
    """`created_at` is when the rows count as received, so that a retry writes what the first attempt wrote.

    `etag` is of the uploaded object that the import reads, from its start on.
    """

    model_config = ConfigDict(frozen=True)

    account_id: AccountId
    import_id: ImportId
    kind: Kind
    format: Format
    mapping: dict[str, str]
    state: ImportState = ImportState.AWAITING_UPLOAD
    created_at: Instant
    etag: str | None = None
    finished_at: Instant | None = None
    outcome: Outcome | None = None
    rejects_key: str | None = None
    reason: str | None = None

    @property
    def received(self) -> str:
        """The date of the lake's partition."""
        return self.created_at.date().isoformat()


def canon_of(kind: Kind) -> Canon:
    return {"orders": ORDERS, "customers": CUSTOMERS, "events": EVENTS, "rates": RATES}[kind]
