"""How simulated recipients react to a message: a pure function of (seed, destination, send id), never of arrival order.

Traits belong to an address (it exists or not, its mail app fetches pictures by itself, a scanner reads its mail first);
moods belong to one send (opens, clicks, complains, unsubscribes). Each draws its own uniform number by hash, so raising
one rate never changes another reaction.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import NormalDist

from local.mail.messages import Message


class Kind(StrEnum):
    """What happens to a message. The values are SES's event types, but for the two that are requests to us."""

    DELIVERY = "Delivery"
    DELIVERY_DELAY = "DeliveryDelay"
    BOUNCE = "Bounce"
    COMPLAINT = "Complaint"
    REJECT = "Reject"
    RENDERING_FAILURE = "Rendering Failure"
    OPEN = "Open"
    CLICK = "Click"
    UNSUBSCRIBE = "Unsubscribe"  # the recipient's mail program POSTs the one-click address (RFC 8058)
    SCAN = "Scan"  # a scanner GETs the one-click address, which must change nothing


@dataclass(frozen=True)
class Rates:
    """Shares between 0 and 1. Of addresses: hard_bounce, machine_open, bot_click. Of sends: reject, rendering_failure,
    soft_bounce, delay. Of delivered sends: complaint, open, unsubscribe. Of opened ones: click."""

    hard_bounce: float = 0.02
    soft_bounce: float = 0.01
    delay: float = 0.02
    reject: float = 0.0
    rendering_failure: float = 0.0
    complaint: float = 0.001
    open: float = 0.25
    click: float = 0.12
    machine_open: float = 0.30
    bot_click: float = 0.03
    unsubscribe: float = 0.006

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f"rate {name} is {value}: expected a share between 0 and 1")


@dataclass(frozen=True)
class Reaction:
    """One event of a message, `after` its sending."""

    kind: Kind
    after: timedelta
    bounce_type: str = ""
    bounce_sub_type: str = ""
    user_agent: str = ""
    link: str = ""


HUMAN_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Thunderbird/133.0",
)
# Apple's privacy proxy announces itself by nothing but this; Google's names itself.
MACHINE_AGENTS = (
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)
SCANNER_AGENTS = (
    "Mozilla/5.0 (compatible; Barracuda Sentinel (EE); https://www.barracuda.com/)",
    "Mozilla/5.0 (compatible; proofpoint-urldefense/1.0)",
)


class _Draws:
    """Uniform numbers in [0, 1) by name."""

    def __init__(self, *parts: str) -> None:
        self._prefix = "\x00".join(parts)

    def uniform(self, name: str) -> float:
        digest = hashlib.sha256(f"{self._prefix}\x00{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def below(self, rate: float, name: str) -> bool:
        return self.uniform(name) < rate

    def seconds(self, low: float, high: float, name: str) -> timedelta:
        """Log-uniform between two positive numbers of seconds, whole."""
        share = self.uniform(name)
        return timedelta(seconds=round(math.exp(math.log(low) + share * (math.log(high) - math.log(low)))))

    def hours(self, median: float, spread: float, name: str) -> timedelta:
        """Log-normal; at most two days, which is when interest is over."""
        share = min(max(self.uniform(name), 1e-9), 1 - 1e-9)
        return timedelta(seconds=round(3600 * min(48.0, median * math.exp(spread * NormalDist().inv_cdf(share)))))

    def one_of(self, options: tuple[str, ...], name: str) -> str:
        return options[int(self.uniform(name) * len(options))]


def reactions(seed: int, rates: Rates, message: Message, *, suppressed: bool = False) -> list[Reaction]:
    """Everything that will happen to the message, by time. `suppressed`: the address is on SES's own list."""
    destination = message.destination[0].lower()
    address = _Draws(str(seed), destination)
    send = _Draws(str(seed), destination, message.send_id)
    if send.below(rates.rendering_failure, "rendering_failure"):
        return [Reaction(Kind.RENDERING_FAILURE, timedelta(0))]
    found: list[Reaction] = []
    if send.below(rates.reject, "reject"):
        return [*found, Reaction(Kind.REJECT, timedelta(seconds=1))]
    if suppressed:
        return [*found, Reaction(Kind.BOUNCE, timedelta(seconds=1), "Permanent", "OnAccountSuppressionList")]
    if address.below(rates.hard_bounce, "exists"):
        return [*found, Reaction(Kind.BOUNCE, send.seconds(1, 60, "bounce"), "Permanent", "General")]
    if send.below(rates.soft_bounce, "soft_bounce"):
        delay = Reaction(Kind.DELIVERY_DELAY, send.seconds(300, 3600, "first_try"))
        given_up = Reaction(
            Kind.BOUNCE, timedelta(hours=14), "Transient", send.one_of(("General", "MailboxFull"), "why")
        )
        return [*found, delay, given_up]
    delivered = send.seconds(1, 30, "delivery")
    if send.below(rates.delay, "delay"):
        found.append(Reaction(Kind.DELIVERY_DELAY, send.seconds(300, 1800, "first_try")))
        delivered = send.seconds(3600, 4 * 3600, "second_try")
    found.append(Reaction(Kind.DELIVERY, delivered))
    found += _machines(rates, message, address, send, delivered)
    found += _person(rates, message, send, delivered)
    return sorted(found, key=lambda reaction: (reaction.after, reaction.kind, reaction.link))


def _machines(rates: Rates, message: Message, address: _Draws, send: _Draws, delivered: timedelta) -> list[Reaction]:
    found: list[Reaction] = []
    if address.below(rates.machine_open, "proxy"):
        agent = address.one_of(MACHINE_AGENTS, "proxy_agent")
        found.append(Reaction(Kind.OPEN, delivered + send.seconds(1, 8, "proxy_open"), user_agent=agent))
    if address.below(rates.bot_click, "scanner"):
        agent = address.one_of(SCANNER_AGENTS, "scanner_agent")
        after = delivered + send.seconds(1, 5, "scanner")
        found += [Reaction(Kind.CLICK, after, user_agent=agent, link=link) for link in message.links]
        if message.one_click_url:
            found.append(Reaction(Kind.SCAN, after, user_agent=agent, link=message.one_click_url))
    return found


def _person(rates: Rates, message: Message, send: _Draws, delivered: timedelta) -> list[Reaction]:
    found: list[Reaction] = []
    agent = send.one_of(HUMAN_AGENTS, "agent")
    opened = delivered + timedelta(minutes=2) + send.hours(5, 1.2, "open_time")
    if send.below(rates.open, "open"):
        found.append(Reaction(Kind.OPEN, opened, user_agent=agent))
        if message.links and send.below(rates.click, "click"):
            link = send.one_of(message.links, "link")
            clicked = opened + send.seconds(5, 300, "click_time")
            found.append(Reaction(Kind.CLICK, clicked, user_agent=agent, link=link))
    if send.below(rates.complaint, "complaint"):
        found.append(Reaction(Kind.COMPLAINT, opened + send.seconds(10, 600, "complaint_time")))
    if message.one_click_url and send.below(rates.unsubscribe, "unsubscribe"):
        after = opened + send.seconds(10, 600, "unsubscribe_time")
        found.append(Reaction(Kind.UNSUBSCRIBE, after, link=message.one_click_url))
    return found
