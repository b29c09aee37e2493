"""What a launch's audience and plans add up to, chunk by chunk."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from winback.accounts.channels import ChannelName
from winback.campaigns.planning import ALLOW

Row = Mapping[str, Any]


class AudienceTally:
    """Counts of enrolled rows. A customer may be excluded for several reasons: `excluded` counts each once."""

    def __init__(self) -> None:
        self.candidates = 0
        self.arms: Counter[str] = Counter()
        self.measured: Counter[str] = Counter()  # by arm: those of the causal comparison
        self.reasons: Counter[str] = Counter()
        self.segments: dict[str, Counter[str]] = {}
        self.families: Counter[str] = Counter()  # of the eligible
        self.variants: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)  # experiment, variant -> arm

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.candidates += 1
            self.reasons.update(row["reasons"])
            segment = self.segments.setdefault(row["segment"], Counter())
            segment["candidates"] += 1
            if not row["eligible"]:
                continue
            arm = row["arm"]
            self.arms[arm] += 1
            self.families[row["family"]] += 1
            segment[arm] += 1
            if row.get("measured", True):
                self.measured[arm] += 1
            for experiment, variant in row.get("variants", {}).items():
                self.variants[experiment, variant][arm] += 1

    @property
    def eligible(self) -> int:
        return self.arms.total()

    @property
    def excluded(self) -> int:
        return self.candidates - self.eligible


class StepTally:
    """Counts of one step's plan rows."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.chunks = 0
        self.rows = 0
        self.denied = 0
        self.reasons: Counter[str] = Counter()
        self.hours: dict[str, Counter[str]] = defaultdict(Counter)  # channel -> hour, such as 2026-11-23T09:00:00Z
        self.variants: Counter[tuple[str, str]] = Counter()  # experiment, variant -> recipients
        self.offers: Counter[str] = Counter()  # offer -> recipients whose message carries it
        self.texts: Counter[tuple[str, int]] = Counter()  # country of the number, parts

    def add(self, rows: Iterable[Row]) -> None:
        self.chunks += 1
        for row in rows:
            self.rows += 1
            if row["verdict"] != ALLOW:
                self.denied += 1
                self.reasons.update(row["reasons"])
                continue
            channel = row["channel"]
            self.hours[channel][row["send_at"][:13] + ":00:00Z"] += 1
            self.variants.update(row.get("variants", {}).items())
            if row.get("offer_id"):
                self.offers[row["offer_id"]] += 1
            if channel == ChannelName.SMS:
                self.texts[row["country"] or "", row["text_parts"]] += 1

    @property
    def recipients(self) -> int:
        return sum(hours.total() for hours in self.hours.values())

    @property
    def channels(self) -> dict[str, int]:
        return {channel: hours.total() for channel, hours in sorted(self.hours.items())}
