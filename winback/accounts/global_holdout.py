"""An account's global holdout: customers whom no campaign writes to, so that all campaigns together can be judged."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

ValueTierName = Literal["VIP", "Elite", "Premium", "Mass", "Hibernating"]


class GlobalHoldout(BaseModel):
    """Off while `share` is 0. Who is in it: winback/experiments/global_holdout.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Annotated[float, AfterValidator(lambda share: abs(round(share, 6)))] = Field(
        default=0, ge=0, le=0.5, description="of all customers; to a millionth"
    )
    rotation_days: int = Field(default=182, ge=28, le=730, description="after so many days others take the turn")
    washout_days: int = Field(
        default=28, ge=0, le=365, description="for so long those whose turn ended are in no campaign's arms"
    )
    exclude_tiers: tuple[ValueTierName, ...] = Field(default=(), description="value tiers that are never in it")

    @model_validator(mode="after")
    def _washed_out_before_the_next_turn(self) -> "GlobalHoldout":
        if self.washout_days >= self.rotation_days:
            raise ValueError(
                f"washout_days is {self.washout_days} and rotation_days {self.rotation_days}: "
                "expected the wash-out to be over before the next turn"
            )
        return self
