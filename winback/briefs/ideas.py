"""What to say to whom: the library of ideas (ideas.toml), filled in for an account."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from winback.briefs.facts import AccountFacts
from winback.briefs.stages import Stage

REPETITIVE_SHARE = 0.25
"""From this share of customers who buy at even intervals on, goods count as bought again and again."""


@dataclass(frozen=True)
class Goods:
    """What the shop's kind of goods suggests showing."""

    show: str
    show_short: str
    show_subject: str


@dataclass(frozen=True)
class Ideas:
    """Of one stage. A channel that says `None` and why is not to be used for it."""

    signal: str
    reason: str
    offer: str
    offer_kind: str
    """In two or three words."""
    email: str
    sms: str
    push: str
    wechat: str
    person: str
    subjects: tuple[str, ...]
    steps: tuple[str, ...]
    """What each touch is for, one for each subject."""
    owner: str
    metric: str
    effort: str

    def on(self, channel: str) -> str:
        """The idea for a channel; those that a person works share one."""
        return {"email": self.email, "sms": self.sms, "push": self.push, "wechat": self.wechat}.get(
            channel, self.person
        )

    def uses(self, channel: str) -> bool:
        return not self.on(channel).startswith("None")


def goods_of(account: AccountFacts) -> Goods:
    """By the words of the business; without any, by whether customers buy at even intervals."""
    for row in _library()["goods"]:
        if row["words"] != ".":
            if re.search(rf"(?i)\b({row['words']})\b", account.business):
                return _goods(row)
        elif not row.get("rhythm") or _is_repetitive(account):
            return _goods(row)
    raise LookupError("ideas.toml has no goods for all others")


def ideas_for(stage: Stage, account: AccountFacts) -> Ideas:
    goods, row = goods_of(account), _library()["stages"][stage.value]
    filled = {
        name: value.format(show=goods.show, show_short=goods.show_short, show_subject=goods.show_subject)
        for name, value in row.items()
        if isinstance(value, str)
    }
    subjects = tuple(subject.format(show_subject=goods.show_subject).strip() for subject in row["subjects"])
    return Ideas(**filled, subjects=subjects, steps=tuple(row["steps"]))


def _is_repetitive(account: AccountFacts) -> bool:
    total = sum(account.behaviours.values())
    return bool(total) and account.behaviours.get("Repetitive Buyer", 0) >= REPETITIVE_SHARE * total


def _goods(row: dict[str, Any]) -> Goods:
    return Goods(row["show"], row["show_short"], row["show_subject"])


@cache
def _library() -> dict[str, Any]:
    return tomllib.loads(files("winback.briefs").joinpath("ideas.toml").read_text(encoding="utf-8"))
