"""An account is one brand; everything else carries its id."""

from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from winback.accounts.brand import Brand
from winback.accounts.channels import ChannelSettings
from winback.accounts.frequency_caps import ChannelCaps, FrequencyCap, FrequencyCaps
from winback.accounts.global_holdout import GlobalHoldout
from winback.accounts.quiet_hours import QuietHours, SendWindow
from winback.accounts.sender import Sender
from winback.accounts.unknown_sends import UnknownSends
from winback.accounts.warm_up import WarmUp
from winback.identifiers import (
    ACCOUNT_ID_PATTERN,
    AccountId,
    AddressHash,
    CustomerKey,
    address_hash,
    customer_key,
)
from winback.instants import time_zone_names

__all__ = [
    "Account",
    "ChannelCaps",
    "FrequencyCap",
    "FrequencyCaps",
    "QuietHours",
    "SendWindow",
    "Sender",
]


class Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    account_id: AccountId = Field(pattern=ACCOUNT_ID_PATTERN)
    name: str = Field(min_length=1, max_length=120)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str = "UTC"
    key_salt: str = Field(pattern=r"^[0-9a-f]{32}$", repr=False)
    sender: Sender
    public_url: str = Field(
        pattern=r"^https?://[!-~]+$",
        max_length=500,
        description="base of the public pages; unsubscribe links start with it, in headers too: ASCII, xn--... for ö",
    )
    website: str | None = Field(default=None, pattern=r"^https?://", description="the shop; messages link to it")
    frequency_caps: FrequencyCaps = FrequencyCaps()
    quiet_hours: QuietHours = QuietHours()
    unknown_zone: SendWindow = Field(default=SendWindow(), description="for customers whose time zone is not known")
    global_holdout: GlobalHoldout = GlobalHoldout()
    channels: ChannelSettings = ChannelSettings()
    locale: str = Field(
        default="en", pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", description="BCP 47, as de-AT"
    )
    brand: Brand = Brand()
    warm_up: WarmUp | None = Field(default=None, description="of a sending domain that is new to mailbox providers")
    unknown_sends: UnknownSends = UnknownSends()
    trend_category: str | None = Field(
        default=None, description="product category whose only-buyers are the Trend Audience"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in time_zone_names():
            raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin")
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def customer_key(self, customer_id: str) -> CustomerKey:
        return customer_key(self.key_salt, customer_id)

    def address_hash(self, address: str) -> AddressHash:
        return address_hash(self.key_salt, address)
