"""The demo's texts: who answers them with STOP, and what arrived, looked at from outside."""

import csv
import io
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from local.cloud import Cloud
from local.demo.campaign import SEED
from local.demo.checks import Finding
from winback.identifiers import SendId

_STOP_SHARE = 0.04
_WORDS = ("STOP", "stop please", "Unsubscribe")


class TextAnswers:
    """What the recipients of texts write back: a pure function of their number."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._answered: set[str] = set()

    def give(self) -> None:
        """Whoever wants no more says so after the first text; returns when all answers are taken in."""
        for text in self._cloud.mail.texts():
            if wants_no_more(text["number"]) and text["number"] not in self._answered:
                self._answered.add(text["number"])
                word = random.Random(f"{SEED}/word/{text['number']}").choice(_WORDS)
                self._cloud.mail.text_back(text["number"], word, text["message_id"])
        self._cloud.wait_drained("text-answers")


def wants_no_more(number: str) -> bool:
    return random.Random(f"{SEED}/stop/{number}").random() < _STOP_SHARE


def findings(texts: Sequence[Mapping[str, Any]], customers: bytes) -> list[Finding]:
    """`customers` is the imported file."""
    consents = {row["phone"]: row["sms_consent"] for row in csv.DictReader(io.StringIO(customers.decode()))}
    numbers = Counter(text["number"] for text in texts)
    touches = Counter((text["number"], SendId.parse(text["context"]["send_id"]).step) for text in texts)
    return [
        Finding("nobody got a text twice", sum(count - 1 for count in touches.values())),
        Finding("nobody was texted without consent", sum(consents[number] != "granted" for number in numbers)),
        Finding(
            "nobody was texted after answering STOP",
            sum(count - 1 for number, count in numbers.items() if wants_no_more(number)),
        ),
        Finding("every text says how to stop", sum("STOP" not in text["text"] for text in texts)),
        Finding("texts reached somebody", int(not texts)),
    ]
