"""How often a customer may be contacted, over all campaigns of the account and the sends of other tools."""

from pydantic import BaseModel, ConfigDict, Field


class FrequencyCap(BaseModel):
    """At most `sends` in any `days` days: a rolling window, no calendar week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sends: int = Field(default=3, ge=1, le=100)
    days: int = Field(default=7, ge=1, le=365)


class ChannelCaps(BaseModel):
    """One cap a channel. A channel that is not listed here is held by the overall cap alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: FrequencyCap = FrequencyCap(sends=3, days=7)
    sms: FrequencyCap = FrequencyCap(sends=2, days=7)
    push: FrequencyCap = FrequencyCap(sends=5, days=7)
    webhook: FrequencyCap = FrequencyCap(sends=3, days=7)
    call: FrequencyCap = FrequencyCap(sends=1, days=30)


class FrequencyCaps(BaseModel):
    """Both hold: the channel's own cap, and the one over all channels together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: ChannelCaps = ChannelCaps()
    overall: FrequencyCap = FrequencyCap(sends=4, days=7)

    @property
    def longest_days(self) -> int:
        channels: tuple[FrequencyCap, ...] = tuple(cap for _, cap in self.channels)
        return max(cap.days for cap in (self.overall, *channels))

    def of(self, channel: str) -> FrequencyCap:
        found: FrequencyCap = getattr(self.channels, channel, self.overall)
        return found
