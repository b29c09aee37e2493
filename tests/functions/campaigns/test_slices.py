"""Launches over saved slices: what a launch froze is what it addresses, whatever becomes of the slice."""

from typing import Any

from tests.functions.campaigns.conftest import Cloud
from winback.aws.slices import SliceStore
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.slices.problems import parse_condition
from winback.slices.saved import NewSlice

SLICE, OTHER = "slc-00000000000a", "slc-00000000000b"
NOW = parse_instant("2026-03-26T08:00:00Z")
REGULARS = {"column": "segment", "operator": "=", "value": "Slipping Regulars"}
CHAMPIONS = {"column": "segment", "operator": "=", "value": "Champions"}
ACME = AccountId("acme")


def wanted(tree: Any, name: str = "Mine") -> NewSlice:
    return NewSlice(name=name, condition=parse_condition(tree))


def test_a_launch_addresses_what_the_slice_was(cloud: Cloud) -> None:
    store = SliceStore(cloud.campaigns)
    store.create(ACME, OTHER, wanted(REGULARS), NOW)
    store.create(ACME, SLICE, wanted({"not": {"slice": OTHER}}, "Others"), NOW)
    body = {"audience": {"slice": SLICE}}
    launch_id = cloud.new_launch(**body)
    assert {row["segment"] for row in cloud.rows(launch_id, "candidates")} == {"Champions"}
    store.replace(ACME, OTHER, wanted(CHAMPIONS), 1, NOW)
    cloud.invoke("launch_candidates", {"account_id": "acme", "launch_id": launch_id})
    assert {row["segment"] for row in cloud.rows(launch_id, "candidates")} == {"Champions"}
    _, shown = cloud.request("GET", f"/v1/launches/{launch_id}")
    assert shown["slice"]["name"] == "Others"
    assert shown["slice"]["slices"][OTHER] == REGULARS
    later = cloud.new_launch(**body)
    assert {row["segment"] for row in cloud.rows(later, "candidates")} == {"Slipping Regulars"}


def test_the_dry_run_that_is_approved_names_the_slices_condition(cloud: Cloud) -> None:
    store = SliceStore(cloud.campaigns)
    store.create(ACME, SLICE, wanted(REGULARS), NOW)
    launch_id = cloud.new_launch(audience={"slice": SLICE})
    dry_run = cloud.lake.read_json(f"launches/account=acme/{launch_id}/dry_run.json")
    assert dry_run["slice"]["condition"] == REGULARS


def test_a_campaign_over_a_slice_that_is_not_there_is_refused(cloud: Cloud) -> None:
    body = {"name": "x", "audience": {"slice": SLICE}, "steps": [{"template": "we-miss-you", "after_days": 0}]}
    status, answer = cloud.request("POST", "/v1/campaigns", body)
    assert (status, answer["error"]["code"]) == (409, "unusable_slice")
    store = SliceStore(cloud.campaigns)
    store.create(ACME, SLICE, wanted(REGULARS), NOW)
    status, campaign = cloud.request("POST", "/v1/campaigns", body)
    assert status == 201
    store.delete(ACME, SLICE)
    launches = f"/v1/campaigns/{campaign['campaign_id']}/launches"
    status, answer = cloud.request("POST", launches, {"starts_at": "2026-03-27T08:00:00Z"})
    assert (status, answer["error"]["code"]) == (409, "unusable_slice")


def test_amounts_that_the_accounts_currency_does_not_have_keep_a_launch_back(cloud: Cloud) -> None:
    store = SliceStore(cloud.campaigns)
    store.create(ACME, SLICE, wanted({"column": "net", "operator": ">", "value": "0.005"}), NOW)
    body = {"name": "x", "audience": {"slice": SLICE}, "steps": [{"template": "we-miss-you", "after_days": 0}]}
    _, campaign = cloud.request("POST", "/v1/campaigns", body)
    launches = f"/v1/campaigns/{campaign['campaign_id']}/launches"
    status, answer = cloud.request("POST", launches, {"starts_at": "2026-03-27T08:00:00Z"})
    assert (status, answer["error"]["code"]) == (409, "unusable_slice")
    assert "decimals" in answer["error"]["message"]


def test_cells_are_an_audience(cloud: Cloud) -> None:
    launch_id = cloud.new_launch(audience={"cells": [{"value_tier": "Premium", "status": "At Risk"}]})
    assert len(cloud.rows(launch_id, "candidates")) == 60
