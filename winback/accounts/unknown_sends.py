"""What an account's reports say of sends that a provider may or may not have taken."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class UnknownSends(BaseModel):
    """They are never resent, and a feedback event settles them at any time. What no event settles stays `unknown`; or,
    with `settle` failed, counts as failed once it is `after_days` old."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle: Literal["never", "failed"] = "never"
    after_days: int = Field(default=7, ge=1, le=90)
