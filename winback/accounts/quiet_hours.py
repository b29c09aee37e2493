"""When nobody is disturbed: local times of day, in the recipient's zone where it is known."""

from datetime import time
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator


def _parse_time_of_day(value: object) -> object:
    if isinstance(value, time):
        return value
    if not isinstance(value, str):  # pydantic would take 9 for nine seconds after midnight
        raise ValueError("expected HH:MM such as 09:30")
    hour, colon, minute = value.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and hour.isdecimal() and minute.isdecimal()):
        raise ValueError("expected HH:MM such as 09:30")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError("expected a time from 00:00 to 23:59")
    return time(int(hour), int(minute))


TimeOfDay = Annotated[
    time, BeforeValidator(_parse_time_of_day), PlainSerializer(lambda moment: moment.strftime("%H:%M"), return_type=str)
]


class QuietHours(BaseModel):
    """Nothing is sent from `start` (included) to `end` (excluded), over midnight when `start` is the later one.

    Equal times: no quiet hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: TimeOfDay = time(21)
    end: TimeOfDay = time(8)


class SendWindow(BaseModel):
    """The times of day, in the account's zone, at which a customer of unknown zone may be contacted.

    From `from` (included) to `until` (excluded); equal times: at any. Narrow by default: then it is day for most of the
    account's customers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    from_: TimeOfDay = Field(default=time(11), alias="from")
    until: TimeOfDay = time(17)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ > self.until:
            raise ValueError(f"until is {self.until:%H:%M}: expected a time after from, {self.from_:%H:%M}")
        return self
