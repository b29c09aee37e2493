"""An account is one brand; everything else carries its id."""

from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, EmailStr, Field, field_validator

from winback.identifiers import (
    ACCOUNT_ID_PATTERN,
    AccountId,
    AddressHash,
    CustomerKey,
    address_hash,
    customer_key,
)


class Sender(BaseModel):
    """Who the messages come from, and the postal address that the law wants in each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    email: EmailStr
    postal_address: str = Field(min_length=1, max_length=300)


class FrequencyCap(BaseModel):
    """At most `sends` messages of one channel in any `days` days, over all campaigns of the account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sends: int = Field(default=3, ge=1, le=100)
    days: int = Field(default=7, ge=1, le=365)


class Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: AccountId = Field(pattern=ACCOUNT_ID_PATTERN)
    name: str = Field(min_length=1, max_length=120)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str = "UTC"
    key_salt: str = Field(pattern=r"^[0-9a-f]{32}$", repr=False)
    sender: Sender
    public_url: str = Field(
        pattern=r"^https?://", description="base of the public pages; unsubscribe links start with it"
    )
    website: str | None = Field(default=None, pattern=r"^https?://", description="the shop; messages link to it")
    frequency_cap: FrequencyCap = FrequencyCap()
    trend_category: str | None = Field(
        default=None, description="product category whose only-buyers are the Trend Audience"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin")
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def customer_key(self, customer_id: str) -> CustomerKey:
        return customer_key(self.key_salt, customer_id)

    def address_hash(self, address: str) -> AddressHash:
        return address_hash(self.key_salt, address)
