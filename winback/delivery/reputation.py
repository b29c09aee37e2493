"""An account's standing with mailbox providers: slows its e-mails down, then stops them, before anybody else does.

SES reviews an AWS account from 5 % bounces or 0.1 % complaints on, hard bounces alone counting, and may stop it at
10 % or 0.5 % (https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html). Here sending slows at half
of a review's rate and stops at nine tenths of it. Between the rates that slow and those that let go lies a gap, so that
nothing flickers. Who stopped stays stopped until a person resumes; what was counted before does not count again.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

WINDOW = timedelta(days=7)
MINIMUM_SENT = 500  # fewer tell nothing
MINIMUM_COMPLAINTS = 2  # one angry customer stops nobody's sending
SLOW_SHARE = 0.1  # of the provider's rate


class Pace(StrEnum):
    NORMAL = "normal"
    SLOW = "slow"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Limits:
    """Shares of what was sent, at which sending goes on as before, slows, and stops."""

    normal: float
    slow: float
    stop: float


BOUNCES = Limits(normal=0.02, slow=0.025, stop=0.045)
COMPLAINTS = Limits(normal=0.0004, slow=0.0005, stop=0.0009)


@dataclass(frozen=True)
class Counts:
    """`bounced` for good, that is hard."""

    sent: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.sent + other.sent,
            self.bounced + other.bounced,
            self.complained + other.complained,
            self.unsubscribed + other.unsubscribed,
        )

    def since(self, before: "Counts") -> "Counts":
        """What was added to `before`."""
        return Counts(
            max(self.sent - before.sent, 0),
            max(self.bounced - before.bounced, 0),
            max(self.complained - before.complained, 0),
            max(self.unsubscribed - before.unsubscribed, 0),
        )

    @property
    def bounce_rate(self) -> float:
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_rate(self) -> float:
        return self.complained / self.sent if self.sent else 0.0

    @property
    def unsubscribe_rate(self) -> float:
        return self.unsubscribed / self.sent if self.sent else 0.0


@dataclass(frozen=True)
class Health:
    """How an account may send, and why, in a marketer's words; no reasons while all is well."""

    pace: Pace
    reasons: tuple[str, ...] = ()


def judge(counts: Counts, before: Pace) -> Health:
    """The health that `counts` of the window give after `before`. Too few sends slow and stop nothing."""
    if counts.sent < MINIMUM_SENT:
        return Health(Pace.STOPPED if before is Pace.STOPPED else Pace.NORMAL)
    complained = counts.complaint_rate if counts.complained >= MINIMUM_COMPLAINTS else 0.0
    judged = (
        (_pace(counts.bounce_rate, BOUNCES, before), f"{_share(counts.bounce_rate)} of the e-mails bounced for good"),
        (_pace(complained, COMPLAINTS, before), f"{_share(complained)} of the recipients complained"),
    )
    worst = max((pace for pace, _ in judged), key=list(Pace).index)
    return Health(worst, tuple(reason for pace, reason in judged if pace is not Pace.NORMAL))


def _pace(rate: float, limits: Limits, before: Pace) -> Pace:
    if before is Pace.STOPPED or rate >= limits.stop:
        return Pace.STOPPED
    if rate >= limits.slow or (before is Pace.SLOW and rate > limits.normal):
        return Pace.SLOW
    return Pace.NORMAL


def _share(rate: float) -> str:
    return f"{rate * 100:.2f} %"
