"""Offers of a launch: frozen, chosen within the budget, shown before approval, carried by the plan, recorded."""

import json
from typing import Any

import pytest

from winback.aws.code_pools import CodePools
from winback.aws.launch_files import LaunchFiles
from winback.aws.offers import OfferStore
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.offers.offer import NewOffer
from winback.predictions.offers.records import DecisionRecord
from winback.predictions.requests import EndpointUnavailable

ACME = AccountId("acme")
GIFT, TEN = "off-000000000001", "off-000000000002"
STEPS = [
    {"template": "we-miss-you", "after_days": 0},
    {"template": "still-thinking", "after_days": 8, "offer": True},
]


def add_offer(cloud: Any, offer_id: str, **stated: Any) -> None:
    offer = NewOffer.model_validate({"name": "Come back", "currency": "USD", **stated})
    OfferStore(cloud.campaigns).create(ACME, offer_id, offer, currency="USD", now=parse_instant("2026-03-01T00:00:00Z"))


@pytest.fixture
def offers(cloud: Any) -> None:
    add_offer(cloud, GIFT, kind="gift", cost={"fixed_minor": 400}, codes="generated")
    add_offer(cloud, TEN, kind="percent", value=10, cost={"most_discount_minor": 1_000}, minimum_margin=0.3)
    CodePools(cloud.campaigns).generate(ACME, OfferStore(cloud.campaigns).get(ACME, GIFT), 30)


class Endpoint:
    """Says the same of everybody; `dies` after so many answers."""

    def __init__(self, uplifts: dict[str, float], dies: int = 100) -> None:
        self.uplifts = uplifts
        self.left = dies
        self.calls = 0

    def __call__(self, body: bytes) -> bytes:
        self.calls += 1
        if self.left == 0:
            raise EndpointUnavailable("timeout")
        self.left -= 1
        rows = json.loads(body)["rows"]
        answers = []
        for row in rows:
            known = {arm: self.uplifts.get(arm) for arm in row["arms"].split("|")}
            effects = {
                arm: None if uplift is None else {"uplift": uplift, "error": 0.1} for arm, uplift in known.items()
            }
            answers.append({"arms": effects})
        return json.dumps({"schema_version": 1, "model_id": "mdl-1", "rows": answers}).encode()


def choose_by(cloud: Any, monkeypatch: pytest.MonkeyPatch, endpoint: Any) -> Any:
    chooser = cloud.handlers["launch_offers"].chooser()
    monkeypatch.setitem(chooser.__dict__, "invoke", endpoint)
    return endpoint


def best(**changes: Any) -> dict[str, Any]:
    return {"choose": "best", "offers": [GIFT, TEN], "budget_minor": 10_000, **changes}


@pytest.mark.usefixtures("offers")
def test_a_fixed_offer_is_shown_with_its_exposure_and_rides_on_the_step_that_carries_it(cloud: Any) -> None:
    launch_id = cloud.new_launch(steps=STEPS, offers={"offers": [GIFT], "budget_minor": 4_000})
    rows = cloud.rows(launch_id, "offers")
    treated = {row["customer_key"] for row in cloud.rows(launch_id, "audience") if row["arm"] == "treatment"}
    assert {row["customer_key"] for row in rows} == treated
    given = {row["customer_key"] for row in rows if row["offer_id"] == GIFT}
    assert 8 <= len(given) <= 10  # 40.00 pay ten gifts of 4.00, and each chunk's block has its part
    _, shown = cloud.request("GET", f"/v1/launches/{launch_id}")
    exposure = shown["dry_run"]["offers"]
    assert exposure["worst_minor"] == 400 * len(given) <= 4_000
    assert exposure["offers"][0]["codes"] == {"needed": len(given), "left": 30, "enough": True}
    reminders = cloud.rows(launch_id, "plan-dry_run/step-2")
    assert exposure["without_offer"] == sum(row["verdict"] == "allow" and not row["offer_id"] for row in reminders) > 0
    planned = {row["customer_key"]: row["offer_id"] for row in reminders}
    assert {customer for customer, offer in planned.items() if offer} == given
    assert not any(row["offer_id"] for row in cloud.rows(launch_id, "plan-dry_run/step-1"))
    assert cloud.launch(launch_id).offers[0].offer_id == GIFT


@pytest.mark.usefixtures("offers")
def test_the_model_chooses_and_what_it_decided_is_recorded_once_the_launch_plans_it(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_by(cloud, monkeypatch, Endpoint({"none": 0.1, GIFT: 0.9, TEN: 0.2}))
    launch_id = cloud.running_launch(steps=STEPS, offers=best(exploration=0.2))
    rows = cloud.rows(launch_id, "offers")
    assert sum(row["offer_id"] == GIFT for row in rows) > len(rows) / 3  # each launch leaves another part to chance
    assert sum(row["spend_minor"] for row in rows) <= 10_000
    assert list(cloud.lake.list("decisions/")) == []
    cloud.plan(launch_id, 1)
    assert list(cloud.lake.list("decisions/")) == []  # no offer in it yet
    cloud.plan(launch_id, 2)
    cloud.plan(launch_id, 2)
    keys = list(cloud.lake.list("decisions/account=acme/decided=2026-03-27/"))
    records = [DecisionRecord.from_row(row) for key in keys for row in cloud.lake.read_rows(key)]
    arms = {row["customer_key"]: (row["arm"], row["propensity"]) for row in rows}
    assert {record.customer_key: (record.arm, record.propensity) for record in records} == arms
    assert {record.decision_id for record in records} == {launch_id}
    assert {record.model_id for record in records} == {"mdl-1"}


@pytest.mark.usefixtures("offers")
def test_without_an_answer_of_the_endpoint_the_priors_decide_and_it_is_asked_no_more_than_thrice(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback.aws.offer_choice.BLOCK_CHUNKS", 1)
    monkeypatch.setattr("winback.aws.offer_choice.GIVE_UP_AFTER", 1)
    endpoint = choose_by(cloud, monkeypatch, Endpoint({}, dies=0))
    launch_id = cloud.new_launch(steps=STEPS, offers=best())
    assert endpoint.calls == 1
    told = cloud.lake.read_json(f"launches/account=acme/{launch_id}/offers.json")
    assert told["endpoint_failures"] == 1
    assert told["customers"] == len(cloud.rows(launch_id, "offers"))
    records = cloud.rows(launch_id, "decisions")
    assert {arm["source"] for record in records for arm in record["arms"]} == {"prior", None}


@pytest.mark.usefixtures("offers")
def test_an_attempt_that_died_keeps_what_it_chose_and_the_budget_holds(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback.aws.offer_choice.BLOCK_CHUNKS", 1)
    write, written = LaunchFiles.keep_first, []

    class KilledError(Exception):
        pass

    def dying(self: LaunchFiles, key: str, rows: Any) -> Any:
        kept = write(self, key, rows)
        if "/offers/block-" in key:
            written.append(key)
            if len(written) == 1:
                raise KilledError
        return kept

    monkeypatch.setattr(LaunchFiles, "keep_first", dying)
    choose_by(cloud, monkeypatch, Endpoint({"none": 0.1, GIFT: 0.9, TEN: 0.2}))
    with pytest.raises(KilledError):
        cloud.new_launch(steps=STEPS, offers=best(budget_minor=4_000))
    (launch,) = cloud.launches().of_account(ACME)
    first = cloud.lake.read_rows(written[0])
    choose_by(cloud, monkeypatch, Endpoint({"none": 0.9, GIFT: 0.1, TEN: 0.1}))  # it would choose otherwise by now
    cloud.invoke("launch_offers", {**cloud.event("launch_offers"), "launch_id": launch.launch_id})
    assert cloud.lake.read_rows(written[0]) == first
    rows = cloud.rows(launch.launch_id, "offers")
    assert [row for row in rows if row["customer_key"] in {each["row"]["customer_key"] for each in first}] == [
        each["row"] for each in first
    ]
    assert sum(row["spend_minor"] for row in rows) <= 4_000


def test_an_offer_that_the_launch_could_not_send_is_refused_with_what_would_be_right(cloud: Any) -> None:
    add_offer(cloud, GIFT, kind="gift", cost={"fixed_minor": 400}, valid_until="2026-04-01")
    body = json.loads(cloud.event("api_campaigns")["body"]) | {
        "steps": STEPS,
        "offers": {"offers": [GIFT], "budget_minor": 4_000},
    }
    status, campaign = cloud.request("POST", "/v1/campaigns", body)
    assert status == 201
    launches = f"/v1/campaigns/{campaign['campaign_id']}/launches"
    status, refused = cloud.request("POST", launches, {"starts_at": "2026-03-27T08:00:00Z"})
    assert (status, refused["error"]["code"]) == (409, "unusable_offer")
    assert "valid from None to 2026-04-01" in refused["error"]["message"]
    body["offers"]["offers"] = ["off-00000000dead"]
    status, refused = cloud.request("POST", "/v1/campaigns", body)
    assert (status, refused["error"]["code"]) == (409, "unusable_offer")


def test_a_holdout_is_sized_for_its_audience_unless_the_definition_says_how_large(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(cloud: Any, launch_id: str) -> None:
        cloud.invoke("launch_candidates", {"account_id": "acme", "launch_id": launch_id})

    monkeypatch.setattr(type(cloud), "prepare", count)
    assert cloud.launch(cloud.new_launch(holdout={"share": 0.3})).holdout_share == 0.3
    assert cloud.launch(cloud.new_launch(holdout={"detect_points": 45})).holdout_share == pytest.approx(0.3, abs=0.15)
    assert cloud.launch(cloud.new_launch(holdout={})).holdout_share == 0.2  # 40 customers find no 2 points
