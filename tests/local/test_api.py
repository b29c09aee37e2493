"""The deployed REST API, from outside."""

import httpx

from local.cloud import Cloud


def test_a_wrong_key_is_refused(shop: Cloud) -> None:
    with shop.api_client("wb_not-a-key") as stranger:
        assert stranger.post("/v1/orders:batch", json={"orders": []}).status_code == 403
        assert stranger.get("/v1/snapshots/latest").status_code == 403


def test_no_key_is_refused(shop: Cloud) -> None:
    assert httpx.get(f"{shop.state.api_url}/v1/snapshots/latest").status_code in (401, 403)


def test_the_right_key_reaches_its_own_account(shop: Cloud) -> None:
    answer = shop.api.get("/v1/snapshots/latest")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"]
