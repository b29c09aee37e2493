"""The playbook's API on tables and a lake in memory."""

import pytest

from tests.functions.playbook.conftest import SNAPSHOT, Cloud, sample
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier

RISKY = Cell(ValueTier.VIP, Status.AT_RISK)
APPLY = "/v1/playbook:apply"


def test_the_table_has_the_latest_snapshots_customers(cloud: Cloud) -> None:
    cloud.publish(customers={RISKY: 2}, average_minor=150)
    status, table = cloud.request("GET", "/v1/playbook")
    assert (status, table["snapshot_id"], table["currency"]) == (200, SNAPSHOT, "GBP")
    assert len(table["cells"]) == 16
    (risky,) = [row for row in table["cells"] if (row["value_tier"], row["status"]) == RISKY]
    assert (risky["customers"], risky["total_cltv_to_date_minor"], risky["average_cltv_to_date_minor"]) == (2, 300, 150)
    assert "Segments drive campaigns" in table["notes"][0]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/playbook"), ("POST", APPLY), ("GET", "/v1/playbook/calls"), ("GET", "/v1/data-quality")],
)
def test_without_a_snapshot_there_is_nothing_to_say(cloud: Cloud, method: str, path: str) -> None:
    status, answer = cloud.request(method, path, {} if method == "POST" else None)
    assert (status, answer["error"]["code"]) == (404, "no_snapshot")


def test_another_accounts_snapshot_is_not_seen(cloud: Cloud) -> None:
    cloud.publish()
    assert cloud.request("GET", "/v1/playbook", account_id="rival")[0] == 404


def test_applying_makes_a_draft_of_each_chosen_cell(cloud: Cloud) -> None:
    cloud.publish()
    status, answer = cloud.send(sample())
    assert status == 200
    assert [(draft["cell"], draft["state"]) for draft in answer["drafts"]] == [
        ("VIP / At Risk", "made"),
        ("Premium / At Risk", "made"),
    ]
    assert {item["sk"] for item in cloud.campaigns_of("acme")} == {draft["campaign_id"] for draft in answer["drafts"]}
    assert answer["not_drafted"] == []


def test_applying_again_makes_no_duplicates_also_after_another_refresh(cloud: Cloud) -> None:
    cloud.publish()
    _, first = cloud.request("POST", APPLY, {})
    cloud.publish("snp-000000000002", dict.fromkeys(CELLS, 900))
    _, again = cloud.request("POST", APPLY, {})
    assert [draft["campaign_id"] for draft in first["drafts"]] == [draft["campaign_id"] for draft in again["drafts"]]
    assert {draft["state"] for draft in again["drafts"]} == {"already there"}
    assert len(cloud.campaigns_of("acme")) == 16


def test_a_dry_run_makes_nothing_and_says_what_would_be_made(cloud: Cloud) -> None:
    cloud.publish()
    _, dry = cloud.request("POST", APPLY, {"dry": True})
    assert {draft["state"] for draft in dry["drafts"]} == {"would be made"}
    assert cloud.campaigns_of("acme") == []
    cloud.request("POST", APPLY, {"cells": ["VIP / At Risk"]})
    _, dry = cloud.request("POST", APPLY, {"dry": True})
    assert [draft["cell"] for draft in dry["drafts"] if draft["state"] == "already there"] == ["VIP / At Risk"]


def test_what_is_not_made_has_its_reason(cloud: Cloud) -> None:
    cloud.publish(customers={RISKY: 3, Cell(ValueTier.MASS, Status.AT_RISK): 50})
    _, answer = cloud.request("POST", APPLY, {"cells": ["VIP / At Risk", "Mass / At Risk", "mass/new"]})
    assert [draft["cell"] for draft in answer["drafts"]] == ["VIP / At Risk"]
    assert answer["drafts"][0]["worked_by_a_person"] == ["account manager", "phone", "events"]
    assert {row["cell"]: row["reason"] for row in answer["not_drafted"]} == {
        "Mass / New": "empty_cell",
        "Mass / At Risk": "too_small_to_measure",
    }


@pytest.mark.parametrize("cells", [["VIP / New"], [], "VIP / At Risk", [1]])
def test_a_cell_that_is_none_is_refused(cloud: Cloud, cells: object) -> None:
    cloud.publish()
    status, answer = cloud.request("POST", APPLY, {"cells": cells})
    assert (status, answer["error"]["fields"][0]["field"]) == (400, "cells")


def test_own_rows_replace_shipped_ones_for_their_account_alone(cloud: Cloud) -> None:
    cloud.publish()
    own = {"cells": [{"value_tier": "VIP", "status": "At Risk", "campaign": "Ring at once"}]}
    status, playbook = cloud.request("PUT", "/v1/playbook", own)
    assert (status, playbook["cells"][1]["campaign"]) == (200, "Ring at once")
    assert cloud.request("GET", "/v1/playbook")[1]["cells"][1]["campaign"] == "Ring at once"
    cloud.request("PUT", "/v1/playbook", {})
    assert cloud.request("GET", "/v1/playbook")[1]["cells"][1]["campaign"] == "Winback (High-touch)"


def test_own_rows_that_do_not_fit_are_refused_and_nothing_is_stored(cloud: Cloud) -> None:
    cloud.publish()
    own = {"cells": [{"value_tier": "VIP", "status": "At Risk", "priority": "Urgent"}]}
    status, answer = cloud.request("PUT", "/v1/playbook", own)
    assert (status, answer["error"]["code"]) == (400, "invalid_playbook")
    assert answer["error"]["fields"][0]["field"] == "cells[0].priority"
    assert "Critical" in answer["error"]["fields"][0]["expected"]
    large = {"cells": [{"value_tier": "VIP", "status": "At Risk", "tactics": ["x" * 300] * 400}]}
    assert cloud.request("PUT", "/v1/playbook", large)[0] == 400
    assert cloud.request("GET", "/v1/playbook")[1]["cells"][1]["priority"] == "Elevated"


def test_data_quality_is_the_snapshots_own(cloud: Cloud) -> None:
    cloud.publish(data_quality=[{"field": "costs"}])
    status, answer = cloud.request("GET", "/v1/data-quality")
    assert (status, answer["data_quality"]) == (200, [{"field": "costs"}])


def test_a_snapshot_of_before_data_quality_asks_for_a_refresh(cloud: Cloud) -> None:
    cloud.publish()
    status, answer = cloud.request("GET", "/v1/data-quality")
    assert (status, answer["error"]["code"]) == (404, "no_data_quality")
    assert "refresh once more" in answer["error"]["message"]
