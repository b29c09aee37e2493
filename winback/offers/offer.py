"""An offer of the catalogue: what it is, what it can cost, who may get it, and how it is redeemed."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.fields import Text
from winback.instants import EARLIEST
from winback.money import Money
from winback.segmentation.grid import ValueTier
from winback.segmentation.names import Segment
from winback.slices.columns import COLUMNS
from winback.slices.compilation import Ground, compile_condition
from winback.slices.condition import ConditionTree
from winback.slices.problems import ConditionRefused

OFFER_ID = r"^off-[0-9a-f]{12}$"
MAX_OFFERS = 200
"""Of an account: they are read together."""
MAX_SIZE = 4_000  # bytes; a launch keeps its offers beside its definition in one table item of at most 400 KB
LONGEST_CODE = 64
MOST_MINOR = 1_000_000_000
"""No single amount of an offer is larger: a slip of the keyboard, in any currency."""

Minor = Annotated[int, Field(ge=0, le=MOST_MINOR)]
Code = Annotated[str, Field(min_length=3, max_length=LONGEST_CODE, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class OfferKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_SHIPPING = "free_shipping"
    GIFT = "gift"
    SERVICE = "service"

    @property
    def is_discount(self) -> bool:
        """Whether it lowers what the customer pays for the goods, so that an order's margin shows it by itself."""
        return self in (OfferKind.PERCENT, OfferKind.AMOUNT)


class CodeKind(StrEnum):
    NONE = "none"
    """Nothing to type in: the shop knows, or somebody sees to it."""
    SHARED = "shared"
    """One code for everybody."""
    POOL = "pool"
    """Codes of the shop's own, imported."""
    GENERATED = "generated"
    """Codes of ours, exported to the shop."""

    @property
    def unique(self) -> bool:
        """Each code is for one customer."""
        return self in (CodeKind.POOL, CodeKind.GENERATED)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class CostRule(_Part):
    """What one redemption costs the store, in minor units of the offer's currency."""

    fixed_minor: Minor = Field(default=0, description="beside the discount: the gift, the parcel, the service")
    most_discount_minor: Minor | None = Field(
        default=None, description="where the shop caps the discount of one order; a percentage needs it"
    )


class Eligibility(_Part):
    """Names of one kind widen it, another kind narrows it; a kind that is not given narrows nothing."""

    segments: tuple[Segment, ...] = ()
    value_tiers: tuple[ValueTier, ...] = ()
    minimum_value_minor: Minor | None = Field(default=None, description="net value of the customer's orders to date")
    condition: ConditionTree | None = Field(
        default=None, description="as of a slice, without other slices and without touches"
    )


class Redemption(_Part):
    """How many of those who get the offer redeem it: measured counts, else an assumption with its range."""

    given: int | None = Field(default=None, ge=1, description="how many customers got it, where that was counted")
    redeemed: int | None = Field(default=None, ge=0, description="how many of these redeemed it")
    assumed: float = Field(default=0.05, ge=0, le=1)
    assumed_low: float = Field(default=0.01, ge=0, le=1)
    assumed_high: float = Field(default=0.15, ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.given is None) != (self.redeemed is None):
            raise ValueError("given and redeemed come together: expected both counts or neither")
        if self.given is not None and self.redeemed is not None and self.redeemed > self.given:
            raise ValueError(f"{self.redeemed} redeemed of {self.given} given: expected at most as many")
        if not self.assumed_low <= self.assumed <= self.assumed_high:
            raise ValueError("assumed lies outside its range: expected assumed_low <= assumed <= assumed_high")
        return self

    @property
    def measured(self) -> bool:
        return self.given is not None


class NewOffer(_Part):
    """What a marketer states of an offer."""

    name: Text
    kind: OfferKind
    value: int | None = Field(
        default=None, ge=1, le=MOST_MINOR, description="percent off (1 to 100), or minor units off; else absent"
    )
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217; the account's")
    cost: CostRule = CostRule()
    minimum_order_minor: Minor = Field(default=0, description="of an order that redeems it")
    minimum_margin: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="share of the price of a customer's typical purchase that must remain as margin; absent: any",
    )
    assumed_margin: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="margin share of customers whose orders came without costs; without it a minimum margin bars them",
    )
    eligibility: Eligibility = Eligibility()
    redemption: Redemption = Redemption()
    valid_from: date | None = None
    valid_until: date | None = Field(default=None, description="last day, in the account's zone")
    valid_days: int | None = Field(
        default=None, ge=1, le=365, description="days that a customer has, from the first message with it"
    )
    codes: CodeKind = CodeKind.NONE
    shared_code: Code | None = None
    code_prefix: str = Field(
        default="", max_length=12, pattern=r"^([A-Z0-9]+-?)?$", description="generated codes start with it"
    )

    @model_validator(mode="after")
    def _value_fits_the_kind(self) -> Self:
        if self.kind.is_discount != (self.value is not None):
            wanted = "a value" if self.kind.is_discount else "no value: what it costs is cost.fixed_minor"
            raise ValueError(f"an offer of kind {self.kind} comes with {wanted}")
        if self.kind is OfferKind.PERCENT:
            if (self.value or 0) > 100:
                raise ValueError(f"value is {self.value} percent: expected 1 to 100")
            if self.cost.most_discount_minor is None:
                raise ValueError(
                    "cost.most_discount_minor is missing: expected the most that the shop takes off one order, "
                    "because a percentage alone has no worst case"
                )
        elif self.kind in (OfferKind.FREE_SHIPPING, OfferKind.GIFT) and not self.cost.fixed_minor:
            raise ValueError(f"cost.fixed_minor is 0: expected what an offer of kind {self.kind} costs the store")
        elif self.cost.most_discount_minor is not None:
            raise ValueError("cost.most_discount_minor is given: expected it of a percentage only")
        if self.kind is OfferKind.AMOUNT and self.minimum_order_minor < (self.value or 0):
            raise ValueError(
                f"minimum_order_minor is {self.minimum_order_minor}, below the amount off: "
                f"expected at least {self.value}"
            )
        return self

    @model_validator(mode="after")
    def _codes_fit(self) -> Self:
        if (self.codes is CodeKind.SHARED) != (self.shared_code is not None):
            raise ValueError("shared_code is given with codes 'shared', and only then")
        if self.code_prefix and self.codes is not CodeKind.GENERATED:
            raise ValueError("code_prefix is given: expected it with codes 'generated' only")
        return self

    @model_validator(mode="after")
    def _condition_can_be_asked_of_a_snapshot(self) -> Self:
        if self.eligibility.condition is not None:
            stored = frozenset(column.stored for column in COLUMNS.values())
            try:
                compile_condition(
                    self.eligibility.condition, Ground(as_of=EARLIEST, currency=self.currency, columns=stored)
                )
            except ConditionRefused as error:
                raise ValueError(f"eligibility.condition cannot be asked: {error}") from error
        return self

    @model_validator(mode="after")
    def _dates_fit(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from: expected the same day or later")
        return self

    @model_validator(mode="after")
    def _small_enough(self) -> Self:
        size = len(self.model_dump_json().encode())
        if size > MAX_SIZE:
            raise ValueError(f"the offer has {size} bytes: expected at most {MAX_SIZE}")
        return self

    def value_text(self) -> str:
        """Such as `10%`, `5.00 EUR`, else the offer's name."""
        if self.kind is OfferKind.PERCENT:
            return f"{self.value}%"
        if self.kind is OfferKind.AMOUNT:
            return str(Money(self.value or 0, self.currency))
        return str(self.name)


class Offer(NewOffer):
    """As the catalogue keeps it, and as a launch freezes it."""

    offer_id: str = Field(pattern=OFFER_ID)
    version: int = Field(default=1, ge=1, description="rises with every change; a change names the one it was made of")
    created_at: str
    updated_at: str
    retired_at: str | None = Field(default=None, description="since then no new launch may use it")

    def is_valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    def valid_until_for(self, sent_at: datetime, zone: ZoneInfo) -> date | None:
        """The last day that a customer whom its first message was sent then may redeem it; None: no end."""
        own = None
        if self.valid_days is not None:
            own = sent_at.astimezone(zone).date() + timedelta(days=self.valid_days)
        ends = [day for day in (own, self.valid_until) if day is not None]
        return min(ends) if ends else None
