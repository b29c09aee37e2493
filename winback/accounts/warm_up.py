"""A sending domain that mailbox providers do not know yet."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class WarmUp(BaseModel):
    """From `started_on` on, the account's e-mails of a day grow by winback.delivery.warm_up's ramp."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started_on: date = Field(description="the first day that mails leave from the domain, in UTC")
