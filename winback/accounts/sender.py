"""Who the messages come from."""

from pydantic import BaseModel, ConfigDict, EmailStr, Field


class Sender(BaseModel):
    """Name and address, and the postal address that the law wants in each message."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = Field(min_length=1, max_length=80)
    email: EmailStr
    postal_address: str = Field(min_length=1, max_length=300)
