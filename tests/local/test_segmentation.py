"""A half-year of a small store through the deployed cloud: two refreshes a fortnight apart, store events, a slice, the
playbook, who moved between the two, and the archetypes beside the segments."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud import Cloud, create_account, name_of
from local.datasets import Purchase, customers_csv, orders_csv, purchases
from local.demo.store import Store, wait_for
from local.place import ACCOUNT, REGION
from winback.instants import format_instant

FIRST = datetime(1997, 7, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=14)
CUSTOMERS, VISITORS = 300, 40
SLIPPING = {"column": "family", "operator": "=", "value": "Slipping"}
VISITED = {"event": "visited", "channel": "web", "within_days": 60}
STEP = {"template": "we-miss-you", "after_days": 0}


@dataclass
class Season:
    """What happened, for the tests to look at."""

    shop: Cloud
    bought: list[Purchase]
    refreshed: list[dict[str, Any]] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    slice_id: str = ""
    of_slice: dict[str, Any] = field(default_factory=dict)  # a launch of the slice's campaign
    at_once: dict[str, Any] = field(default_factory=dict)  # the campaign that starts for the newly lapsed
    archetypes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.shop.api)

    def preview(self, condition: dict[str, Any], refresh: int = 1) -> dict[str, Any]:
        snapshot_id = self.refreshed[refresh]["snapshot_id"]
        return self.store.post("/v1/slices:preview", {"condition": condition, "snapshot_id": snapshot_id})

    def customers(self, family: str, refresh: int = 1) -> int:
        return next(int(row["customers"]) for row in self.summaries[refresh]["families"] if row["family"] == family)


@pytest.fixture(scope="module")
def season(cloud: Cloud) -> Season:
    return play(replace(cloud, state=create_account(cloud.state, "season-shop")))


def play(shop: Cloud) -> Season:
    season = Season(shop, [row for row in purchases() if int(row.customer_id) <= CUSTOMERS])
    store = season.store
    shop.clock.set(FIRST)
    store.import_file("customers", customers_csv(sorted({row.customer_id for row in season.bought}), 7))
    store.import_file("events", _visits())
    store.import_file("orders", orders_csv(row for row in season.bought if row.on < FIRST.date()))
    _refresh(season, FIRST)
    first_run = _start_archetypes(season)
    _define(season)
    shop.clock.set(SECOND)
    store.import_file("orders", orders_csv(row for row in season.bought if FIRST.date() <= row.on < SECOND.date()))
    _finish_archetypes(season, first_run)
    _refresh(season, SECOND)
    _finish_archetypes(season, _start_archetypes(season))
    return season


def _visits() -> bytes:
    rows = [f"{number:05d},visited,1997-06-{10 + number % 18}T12:00:00Z,web" for number in range(1, VISITORS + 1)]
    return "\n".join(["customer_id,kind,at,channel", *rows]).encode()


def _refresh(season: Season, moment: datetime) -> None:
    season.refreshed.append(season.store.refresh(format_instant(moment)))
    season.summaries.append(season.store.get("/v1/snapshots/latest"))


def _start_archetypes(season: Season) -> str:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name_of('archetypes')}"
    work = json.dumps({"account_id": season.shop.state.account_id})
    started = season.shop.client("stepfunctions").start_execution(stateMachineArn=machine, input=work)
    return str(started["executionArn"])


def _finish_archetypes(season: Season, execution: str) -> None:
    season.shop.wait_workflow(execution)
    season.archetypes.append(season.store.get("/v1/archetypes/latest"))


def _define(season: Season) -> None:
    """A slice, a campaign over it with its dry run, and a campaign that is to start by itself."""
    store = season.store
    condition = {"all": [SLIPPING, {"not": VISITED}]}
    season.slice_id = store.post("/v1/slices", {"name": "Slipping, not looking", "condition": condition})["slice_id"]
    of_slice = store.post("/v1/campaigns", {"name": "Slice", "audience": {"slice": season.slice_id}, "steps": [STEP]})
    audience = {"families": ["Slipping", "Already Lost"], "newly_lapsed": True}
    at_once = {"name": "At once", "audience": audience, "starts_on": "newly_lapsed", "steps": [STEP]}
    season.at_once = store.post("/v1/campaigns", at_once)
    path = f"/v1/campaigns/{of_slice['campaign_id']}/launches"
    launch = store.post(path, {"starts_at": format_instant(FIRST + timedelta(days=1))})
    season.of_slice = store.launch_in(launch["launch_id"], "awaiting_approval")


def test_a_refresh_computes_whose_orders_changed_and_writes_who_changed(season: Season) -> None:
    first, second = season.refreshed
    assert (first["customers_recomputed"], first["customers_carried"], first["changed"]) == (CUSTOMERS, 0, CUSTOMERS)
    bought = {row.customer_id for row in season.bought if FIRST.date() <= row.on < SECOND.date()}
    assert second["customers_recomputed"] == len(bought)
    assert second["customers_carried"] == CUSTOMERS - len(bought)
    assert 0 < second["changed"] < CUSTOMERS / 2


def test_a_customer_is_explained(season: Season) -> None:
    customer = next(row.customer_id for row in season.bought if FIRST.date() <= row.on < SECOND.date())
    shown = season.store.get(f"/v1/customers/{customer}")["segment"]
    assert shown["snapshot_id"] == season.refreshed[1]["snapshot_id"]
    spent = sum(row.amount for row in season.bought if row.customer_id == customer and row.on < SECOND.date())
    assert shown["net_minor"] == 100 * spent
    assert f"spent {spent} USD" in shown["explanation"]


def test_store_events_of_a_file_are_touches_of_the_snapshot(season: Season) -> None:
    assert season.preview(VISITED)["selected"]["customers"] == VISITORS
    tiers = {
        customer: season.store.get(f"/v1/customers/{customer}")["segment"]["engagement_tier"]
        for customer in ("00001", f"{VISITORS + 1:05d}")
    }
    assert tiers["00001"] not in ("n/a", tiers[f"{VISITORS + 1:05d}"])


def test_a_slice_is_previewed_and_explored(season: Season) -> None:
    found = season.store.post("/v1/slices:preview", {"slice": season.slice_id})
    both = season.preview({"all": [SLIPPING, VISITED]})["selected"]["customers"]
    assert found["selected"]["customers"] == season.customers("Slipping") - both > 0
    explored = season.store.post("/v1/segments:explore", {"slice": season.slice_id, "campaign": {"messages": 1}})
    assert explored["selected"] == found["selected"]
    assert explored["simulation"]["basis"] == "assumed"


def test_a_launch_addresses_a_saved_slice(season: Season) -> None:
    here = season.preview({"slice": season.slice_id}, refresh=0)["selected"]["customers"]
    assert season.of_slice["dry_run"]["audience"]["candidates"] == here > 0


def test_movement_between_two_snapshots_accounts_for_everybody(season: Season) -> None:
    before, now = (refreshed["snapshot_id"] for refreshed in season.refreshed)
    moved = season.store.get(f"/v1/movement?from={before}&to={now}")
    assert moved["same_rubric"]
    assert sum(cell["customers"] for cell in moved["segments"]) == CUSTOMERS
    points = season.store.get("/v1/movement/series")["points"]
    assert [point["snapshot_id"] for point in points] == [before, now]
    assert points[1]["newly_lapsed"] == sum(season.refreshed[1]["newly_lapsed"].values()) > 0


def test_the_newly_lapsed_start_a_launch_that_waits_for_a_person(season: Season) -> None:
    place = {"pk": f"{season.shop.state.account_id}#trigger"}
    place["sk"] = f"{season.refreshed[1]['snapshot_id']}#{season.at_once['campaign_id']}"
    campaigns = season.shop.table("campaigns")
    noted = wait_for(lambda: campaigns.get_item(Key=place).get("Item"), "the trigger", seconds=60)
    launch = season.store.launch_in(noted["launch_id"], "awaiting_approval")
    lapsed = season.refreshed[1]["newly_lapsed"]
    assert {name: found["candidates"] for name, found in launch["dry_run"]["audience"]["segments"].items()} == lapsed


def test_the_playbook_has_the_accounts_figures_and_drafts_campaigns_of_them(season: Season) -> None:
    shown = season.store.get("/v1/playbook")
    assert len(shown["cells"]) == 16
    assert sum(cell["customers"] for cell in shown["cells"]) == CUSTOMERS
    would = season.store.post("/v1/playbook:apply", {"dry": True})["drafts"]
    made = season.store.post("/v1/playbook:apply", {"dry": False})["drafts"]
    assert [draft["campaign_id"] for draft in made] == [draft["campaign_id"] for draft in would]
    for draft in made:
        assert season.store.get(f"/v1/campaigns/{draft['campaign_id']}")["definition"]["name"]
    calls = season.store.get("/v1/playbook/calls")
    assert calls["of"] == len(calls["calls"]) + sum(calls["left_out"].values())
    assert all("phone" in call["by"] or "account manager" in call["by"] for call in calls["calls"])
    assert calls["calls"]


def test_what_the_data_lack_is_ranked(season: Season) -> None:
    gaps = season.store.get("/v1/data-quality")["data_quality"]
    assert gaps[0]["field"] == "order lines"
    assert [gap["score"] for gap in gaps] == sorted((gap["score"] for gap in gaps), reverse=True)


def test_archetypes_stand_beside_the_segments_and_drift_is_told(season: Season) -> None:
    first, second = season.archetypes
    assert first["drift"] is None
    assert second["run_id"] != first["run_id"]
    for found, summary in zip(season.archetypes, season.summaries, strict=True):
        rows = found["reconciliation"]["rows"]
        counts = {row["segment"]: row["customers"] for row in summary["segments"]}
        assert {row["segment"]: row["customers"] for row in rows} == counts
        assert all(sum(row["shares"].values()) == pytest.approx(1) for row in rows if row["customers"])
    shifts = second["drift"]["shifts"]
    assert len(shifts) == len(first["archetypes"]["clusters"])
    assert sum(shift["share_before"] for shift in shifts) == pytest.approx(1)
