"""The invariants, looked at from outside: what arrived at the recipients, against what the store knows.

The report checks itself against the ledger; this trusts neither.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.demo.campaign import CODES, OFFER, RATES, SEED
from local.mail.messages import Message
from local.mail.recipients import Kind, reactions

_CODE = re.compile(rf"\b{re.escape(OFFER['code_prefix'])}[A-Z0-9]+\b")


@dataclass(frozen=True)
class Finding:
    rule: str
    violations: int


def from_outside(
    messages: Iterable[Message],
    texts: Sequence[Mapping[str, Any]],
    customers: bytes,
    report: Mapping[str, Any],
    steps: int,
) -> list[Finding]:
    """Each rule with the number of its violations.

    `customers` is the imported file; `steps` how many steps the campaign has.
    """
    sent = list(messages)
    words = [*(message.text or "" for message in sent), *(text["text"] for text in texts)]
    profiles = {row["email"]: row for row in csv.DictReader(io.StringIO(customers.decode())) if row["email"]}
    touches = Counter((message.destination[0], _step(message)) for message in sent)
    unconsented = [to for to, _ in touches if profiles.get(to, {}).get("email_consent") != "granted"]
    stopped = {message.destination[0]: _step(message) for message in sent if _turns_away(message)}
    late = [to for to, step in touches if to in stopped and step > stopped[to]]
    one_click = [message for message in sent if message.one_click_url is None]
    codes = Counter(code for text in words for code in {*_CODE.findall(text)})
    return [
        Finding("nobody got a step twice", sum(count - 1 for count in touches.values())),
        Finding("nobody got a step that the campaign does not have", sum(step > steps for _, step in touches)),
        Finding("nobody was written to without consent", len(unconsented)),
        Finding("nobody was written to after unsubscribing, complaining or a hard bounce", len(late)),
        Finding("every message can be unsubscribed from with one click", len(one_click)),
        Finding("no code of an offer was given to two customers", sum(count - 1 for count in codes.values())),
        Finding("no more offers left than the budget pays", max(0, len(codes) - CODES)),
        Finding("the offer reached somebody", int(not codes)),
        Finding("the report counts as many handed over as arrived here", abs(_handed_over(report) - len(words))),
    ]


def _step(message: Message) -> int:
    return int(message.send_id.split("_")[2])


def _turns_away(message: Message) -> bool:
    """Whether the recipient ends the contact because of this message (reactions are a pure function of it)."""
    return any(
        reaction.kind in (Kind.UNSUBSCRIBE, Kind.COMPLAINT)
        or (reaction.kind is Kind.BOUNCE and reaction.bounce_type == "Permanent")
        for reaction in reactions(SEED, RATES, message)
    )


def _handed_over(report: Mapping[str, Any]) -> int:
    handed_over: int = report["funnel"]["handed_over"]
    return handed_over
