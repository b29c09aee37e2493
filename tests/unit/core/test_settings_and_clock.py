from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from winback.aws.clock import SystemClock, TableClock
from winback.aws.environment import MissingSetting, read_settings


@dataclass(frozen=True)
class Settings:
    lake_bucket: str
    campaigns_table: str


class OneItemTable:
    def __init__(self) -> None:
        self.item: dict[str, str] | None = None

    def get_item(self, **_: object) -> dict[str, object]:
        return {} if self.item is None else {"Item": self.item}

    def put_item(self, Item: dict[str, str]) -> None:  # noqa: N803
        self.item = Item


def test_settings_come_from_their_variables() -> None:
    assert read_settings(Settings, {"LAKE_BUCKET": "lake", "CAMPAIGNS_TABLE": "campaigns"}) == Settings(
        "lake", "campaigns"
    )


def test_all_missing_variables_are_named() -> None:
    with pytest.raises(MissingSetting, match="LAKE_BUCKET, CAMPAIGNS_TABLE"):
        read_settings(Settings, {})


def test_a_scheduled_function_takes_its_events_time() -> None:
    clock = SystemClock(lambda: datetime(2026, 1, 1, 12, 0, 1, 500, tzinfo=UTC))
    assert clock.now({"time": "2026-01-01T12:00:00Z"}) == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert clock.now() == datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)


def test_the_simulated_clock_stands_where_it_was_put() -> None:
    clock = TableClock(OneItemTable(), SystemClock(lambda: datetime(2026, 1, 1, tzinfo=UTC)))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.set(datetime(1997, 10, 1, tzinfo=UTC))
    assert clock.now({"time": "2026-01-01T12:00:00Z"}) == datetime(1997, 10, 1, tzinfo=UTC)
