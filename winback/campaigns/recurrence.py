"""When a campaign with a schedule is to start next."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from winback.campaigns.policies import Schedule
from winback.campaigns.schedule import next_opening


def next_start(schedule: Schedule, since: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """The first start at `now` or later. They lie `every_weeks` apart, the first one at `since` or later."""
    weekdays = (schedule.weekday.number,)
    start = next_opening(schedule.at, since, zone, weekdays)
    while start < now:
        weeks = max((now - start) // timedelta(weeks=schedule.every_weeks), 1) * schedule.every_weeks
        # Half a day earlier, so that a change of the clocks in between cannot bring it behind the start that is sought.
        start = next_opening(schedule.at, start + timedelta(weeks=weeks) - timedelta(hours=12), zone, weekdays)
    return start
