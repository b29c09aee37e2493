"""How many e-mails a day a new sending domain may carry.

Amazon SES warms a dedicated address up within 45 days and says that mailbox providers take 14 days to 6 weeks to trust
a sender (https://docs.aws.amazon.com/ses/latest/dg/dedicated-ip-warming.html); Braze advises about 30 % more each day
(https://www.braze.com/docs/user_guide/message_building_by_channel/email/email_setup/ip_warming). So the ramp grows by
30 % a day from 500 for six weeks, and ends:

| day | 1 | 2 | 3 | 5 | 7 | 10 | 14 | 18 | 21 | 28 | 35 | 42 | from 43 on |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| e-mails | 500 | 650 | 845 | 1,428 | 2,413 | 5,302 | 15,143 | 43,252 | 95,024 | 596,266 | 3.7 M | 23 M | no limit |
"""

from datetime import date

FIRST_DAY = 500  # e-mails
GROWTH = 1.3  # a day
DAYS = 42


def daily_limit(started_on: date, day: date) -> int | None:
    """E-mails that the domain may send on `day`; None: no limit any more. Nothing leaves before it started."""
    number = (day - started_on).days + 1
    if number > DAYS:
        return None
    return int(FIRST_DAY * GROWTH ** (number - 1)) if number >= 1 else 0
