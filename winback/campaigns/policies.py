"""What bounds a campaign and what it tests: experiments, holdout, offers, guardrails, budget, schedule."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from winback.accounts.quiet_hours import TimeOfDay
from winback.campaigns.steps import Channels, Part, TemplateChoice, Timing, Weekday
from winback.fields import NAME
from winback.segmentation.grid import ValueTier
from winback.stored import was_stored

MAX_EXPERIMENTS = 5
Share = Annotated[float, Field(ge=0, le=0.5), AfterValidator(lambda share: abs(round(share, 6)))]
OfferId = Annotated[str, Field(pattern=r"^off-[0-9a-f]{12}$")]


class StopOn(StrEnum):
    """What ends the sequence for one customer. An unsubscribe and a complaint always do, named or not."""

    PURCHASE = "purchase"
    ENGAGED = "engaged"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"

    @property
    def always(self) -> bool:
        return self in (StopOn.UNSUBSCRIBE, StopOn.COMPLAINT)


class StartsOn(StrEnum):
    """What prepares a launch of the campaign by itself; a person still approves it."""

    NEWLY_LAPSED = "newly_lapsed"


class Variant(Timing):
    """What it changes of its step; what it does not give stays. A time of its own, of either kind, replaces it."""

    name: str = Field(pattern=NAME, max_length=40)
    share: int = Field(default=1, ge=1, le=1000, description="weight among the variants")
    subject: str | None = Field(default=None, min_length=1, max_length=200)
    template: TemplateChoice | None = None
    offer: bool | None = Field(default=None, description="whether the step carries the launch's offer")
    channels: Channels | None = None


class Experiment(Part):
    """Tested alternatives of one step, or of all. The first variant is the control."""

    name: str = Field(pattern=NAME, max_length=40)
    step: str | None = Field(default=None, pattern=NAME, description="name of the step; default: every step")
    variants: tuple[Variant, ...] = Field(min_length=2, max_length=6)

    @field_validator("variants")
    @classmethod
    def _named_apart(cls, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        names = [variant.name for variant in variants]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two variants are called {twice}: expected a name for each")
        return variants

    @property
    def shares(self) -> dict[str, int]:
        return {variant.name: variant.share for variant in self.variants}


def _not_both(first: str, second: str) -> dict[str, Any]:
    given: dict[str, Any] = {first: {"type": "number"}, second: {"type": "number"}}
    return {"not": {"required": [first, second], "properties": given}}


class Holdout(Part):
    """Either a share, to a millionth (finer than any audience, and every value fits a decimal of the table), or as many
    as the effect needs."""

    model_config = ConfigDict(json_schema_extra=_not_both("share", "detect_points"))

    share: Share | None = Field(
        default=None,
        description="share of the eligible audience that receives nothing; default: what detect_points needs",
    )
    detect_points: float | None = Field(
        default=None,
        ge=0.1,
        le=50,
        description="percentage points of a true effect that the holdout is to find, instead of share; default: 2",
    )
    exclude_tiers: tuple[ValueTier, ...] = Field(default=(), description="value tiers of which nobody is held out")

    @field_validator("detect_points")
    @classmethod
    def _instead_of_a_share(cls, points: float | None, info: ValidationInfo) -> float | None:
        if points is not None and info.data.get("share") is not None:
            if was_stored(info):  # once each definition was stored with the default, which a share overruled
                return None
            raise ValueError("says how many to hold out, as share does: expected one of the two")
        return points

    @property
    def finds_points(self) -> float:
        """Percentage points of a true effect that it is to find where it has no share."""
        return 2.0 if self.detect_points is None else self.detect_points


class OfferPolicy(Part):
    """Amounts in minor units of the account's currency. A person approves the launch before any offer leaves."""

    choose: Literal["fixed", "best"] = Field(
        default="fixed", description="fixed: its one offer; best: of its offers or none, by the model"
    )
    offers: tuple[OfferId, ...] = Field(min_length=1, max_length=10, description="of the catalogue")
    budget_minor: int = Field(ge=0, description="what the offers may cost together")
    max_discount_share: float | None = Field(default=None, gt=0, le=1, description="of treated customers with one")
    cooldown_days: int = Field(default=90, ge=0, le=730, description="since a customer's last offer")
    exploration: float = Field(default=0.1, ge=0, le=0.5, description="share of choices left to chance, to learn from")

    @model_validator(mode="after")
    def _one_when_fixed(self) -> Self:
        if self.choose == "fixed" and len(self.offers) != 1:
            raise ValueError(f"choose is fixed and there are {len(self.offers)} offers: expected one, or choose: best")
        if len(set(self.offers)) < len(self.offers):
            raise ValueError("names an offer twice: expected each once")
        return self


class Guardrails(Part):
    """Shares of sends at which a launch pauses by itself, each judged once there are `minimum_sends`."""

    max_bounce_rate: float = Field(default=0.05, gt=0, le=1)
    max_complaint_rate: float = Field(default=0.001, gt=0, le=1)
    max_unsubscribe_rate: float = Field(default=0.02, gt=0, le=1)
    minimum_sends: int = Field(default=200, ge=1)


class Budget(Part):
    """What a launch may use up beside its offers, which have their own."""

    sends: int | None = Field(default=None, ge=1, description="messages and calls")
    spend_minor: int | None = Field(
        default=None, ge=1, description="what they may cost, in minor units of the account's currency"
    )

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.sends is None and self.spend_minor is None:
            raise ValueError("bounds nothing: expected sends, spend_minor or both")
        return self


class Schedule(Part):
    """Prepares a launch regularly; a person approves each."""

    weekday: Weekday
    at: TimeOfDay = Field(description="start of the launch, in the account's zone")
    every_weeks: int = Field(default=1, ge=1, le=52)


class Utm(Part):
    """What links say of where a visit comes from."""

    source: str = Field(default="winback", min_length=1, max_length=80, pattern=r"^[\w.+ -]+$")
    medium: str | None = Field(default=None, min_length=1, max_length=80, pattern=r"^[\w.+ -]+$")
    campaign: str | None = Field(default=None, min_length=1, max_length=80, pattern=r"^[\w.+ -]+$")
