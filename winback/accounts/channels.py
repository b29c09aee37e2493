"""The channels by which customers are reached, and what an account says of each."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]  # ISO 3166-1 alpha-2


def _sender_id(text: str) -> str:
    """https://docs.aws.amazon.com/sms-voice/latest/userguide/sender-id.html"""
    if text.isdigit() or text.startswith("-") or text.endswith("-"):
        raise ValueError("is not a sender id: expected one with a letter in it and no hyphen at an end")
    return text


SenderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,11}$"), AfterValidator(_sender_id)]


class ChannelName(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WEBHOOK = "webhook"
    CALL = "call"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SmsSettings(_Settings):
    """Texts go out from `origination_identity` (a number, pool or sender id of AWS End User Messaging, by id or ARN);
    without one, through SNS, under the sender id of the recipient's country where that country allows one."""

    origination_identity: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_:/+-]{1,256}$")
    sender_ids: dict[Country, SenderId] = Field(default_factory=dict, max_length=250)
    max_price_cents: int = Field(
        default=25, ge=1, le=1000, description="at most this much of a US dollar for one text part"
    )
    prices: dict[Country, Decimal] = Field(
        default_factory=dict,
        max_length=250,
        description="US dollars for one part by country, as AWS charges this account; elsewhere the most is assumed",
    )

    @field_validator("prices")
    @classmethod
    def _small_amounts(cls, prices: dict[str, Decimal]) -> dict[str, Decimal]:
        if any(not 0 <= price <= 10 for price in prices.values()):
            raise ValueError("a price is out of range: expected US dollars from 0 to 10, such as 0.0075")
        return prices

    @property
    def answerable(self) -> bool:
        """Whether a customer can text back, such as STOP: to a number or a pool of them, and to no sender id."""
        identity = self.origination_identity or ""
        return identity.startswith(("+", "phone-", "pool-")) or ":phone-number/" in identity or ":pool/" in identity


class PushSettings(_Settings):
    """`platform_application`: the ARN of the app's platform application in SNS (FCM or APNs)."""

    platform_application: str = Field(
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/[A-Z_]+/[A-Za-z0-9._-]{1,256}$"
    )


class WebhookSettings(_Settings):
    """`secret_name`: the secret of Secrets Manager that holds the signing key as its text."""

    url: str = Field(pattern=r"^https://[^\s@#]{1,2000}$")
    secret_name: str = Field(pattern=r"^[A-Za-z0-9/_+=.@-]{1,512}$")


class ChannelSettings(_Settings):
    """Channels that are not here have nothing to be set: e-mail goes out as the account's sender, calls as tasks."""

    sms: SmsSettings = SmsSettings()
    push: PushSettings | None = None
    webhook: WebhookSettings | None = None

    def texting_from(self, stage_identity: str) -> Self:
        """With the stage's origination identity where the account has none of its own; empty: the stage has none."""
        if not stage_identity or self.sms.origination_identity:
            return self
        sms = self.sms.model_copy(update={"origination_identity": stage_identity})
        return self.model_copy(update={"sms": sms})
