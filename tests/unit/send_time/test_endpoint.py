"""The send-time endpoint: what is asked, what it answers, and what it refuses."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from ml import contract
from ml.contract import ErrorAnswer, UnusableModel
from ml.send_time import inference, train
from ml.send_time.histories import last_part
from ml.send_time.inference import SendTimeModel
from ml.send_time.learning import learn
from ml.send_time.prior import awake_prior
from tests.unit.send_time.send_time_readers import readers
from winback.identifiers import AccountId
from winback.predictions.requests import InvalidAnswer
from winback.predictions.send_time.contract import (
    Base,
    EventKind,
    Happened,
    History,
    decode_answer,
    encode_requests,
)

BRAND = AccountId("brand")
ROW = {"account": "brand", "segment": None, "opened": [20, 1.5, 1], "clicked": [], "ordered": []}


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    known = readers(120, 12, own=0.6, seed=1)
    prior = np.array(awake_prior())
    return train.stored_model(known, learn(last_part(known, 0.25, 1), prior, 1), prior)


@pytest.fixture(scope="module")
def model(stored: dict[str, Any]) -> SendTimeModel:
    return inference.model_from(json.loads(json.dumps(stored)))


def ask(
    model: SendTimeModel,
    body: str | bytes,
    content_type: str = "application/json",
    accept: str = "application/json",
) -> Any:
    return inference.output_fn(inference.predict_fn(inference.input_fn(body, content_type), model), accept)


def request(*rows: Any, **others: Any) -> str:
    return json.dumps({"schema_version": 1, "rows": list(rows), **others})


def refused(answer: Any) -> dict[str, Any]:
    assert isinstance(answer, ErrorAnswer)
    assert answer.status == 400
    first: dict[str, Any] = json.loads(answer.body)["error"]["fields"][0]
    return first


def history(*hours: int, segment: str | None = None, account: AccountId = BRAND) -> History:
    return History(account, segment, {EventKind.OPENED: [Happened(hour, 1.0) for hour in hours]})


def answered(model: SendTimeModel, *histories: History, in_full: bool = True) -> Any:
    ((rows, body),) = encode_requests(histories, in_full=in_full)
    return decode_answer(ask(model, body)[0].encode(), rows, in_full=in_full)


def test_what_we_ask_is_understood_and_what_it_answers_too(model: SendTimeModel) -> None:
    reader, stranger = answered(model, history(*[40] * 10), history()).send_times
    assert reader.best_hours[0] == 40
    assert 0.3 < reader.own_share < 1
    assert stranger.own_share == 0
    assert stranger.base is Base.ACCOUNT
    assert sum(reader.distribution) == pytest.approx(1)
    assert len(reader.distribution) == 168
    assert reader.distribution.index(max(reader.distribution)) == 40


def test_without_being_asked_for_distributions_it_sends_none(model: SendTimeModel) -> None:
    (reader,) = answered(model, history(40), in_full=False).send_times
    assert reader.distribution is None
    assert "probabilities" not in ask(model, request(ROW))[0]


def test_a_distribution_survives_its_packing(model: SendTimeModel) -> None:
    (reader,) = answered(model, history(3, 4, 5, 100)).send_times
    row = inference.input_fn(request({**ROW, "opened": [3, 1, 1, 4, 1, 1, 5, 1, 1, 100, 1, 1]}), contract.JSON)
    exact = inference.predict_fn(row, model).probabilities[0]
    assert np.allclose(reader.distribution, exact, atol=exact.max() / 65_535)


def test_an_unknown_account_gets_the_shipped_prior_and_no_other_accounts_hours(model: SendTimeModel) -> None:
    (other,) = answered(model, history(account=AccountId("other"))).send_times
    assert other.base is Base.PRIOR
    assert np.allclose(other.distribution, awake_prior(), atol=1e-5)


def test_csv_says_the_same_as_json(model: SendTimeModel) -> None:
    plain = json.loads(ask(model, request(ROW))[0])["rows"][0]
    lines = "segment,account,opened,clicked,ordered\n,brand,20 1.5 1,,\n"
    body, content_type = ask(model, lines, "text/csv", "text/csv")
    header, line = body.strip().split("\n")
    assert content_type == "text/csv"
    assert header == "best_hours,own_share,base"
    best = json.dumps(plain["best_hours"], separators=(",", ":"))
    assert line == f'"{best}",{plain["own_share"]:.6f},{plain["base"]}'


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opened", [20, 1]),
        ("opened", [168, 1, 1]),
        ("opened", [20.5, 1, 1]),
        ("opened", [20, -1, 1]),
        ("opened", [20, 1, 0]),
        ("opened", [20, 1, True]),
        ("opened", [float("nan"), 1, 1]),
        ("opened", [0, 1, 1] * 201),
        ("clicked", "20 1 1"),
        ("ordered", None),
        ("account", None),
        ("segment", 3),
    ],
)
def test_a_value_that_does_not_fit_is_named(model: SendTimeModel, field: str, value: Any) -> None:
    problem = refused(ask(model, request(ROW, {**ROW, field: value})))
    assert (problem["row"], problem["field"]) == (1, field)


def test_unknown_and_missing_fields_are_named(model: SendTimeModel) -> None:
    assert refused(ask(model, request({**ROW, "visited": []})))["field"] == "visited"
    assert refused(ask(model, request({k: v for k, v in ROW.items() if k != "ordered"})))["field"] == "ordered"
    assert refused(ask(model, request(ROW, answer="everything")))["field"] == "answer"


def test_five_hundred_busy_customers_fit_into_few_calls_of_less_than_four_megabytes() -> None:
    busy = [
        History(BRAND, "Champions", {kind: [Happened(100, 123.456, 0.1234)] * 300 for kind in EventKind})
        for _ in range(501)
    ]
    calls = list(encode_requests(busy, in_full=True))
    assert sum(rows for rows, _ in calls) == 501
    assert all(len(body) < 4_000_000 and rows <= 500 for rows, body in calls)
    assert not isinstance(inference.input_fn(calls[-1][1], contract.JSON), contract.Rejection)


def test_the_histogram_is_served_where_it_won(stored: dict[str, Any]) -> None:
    model = inference.model_from({**stored, "serves": "account_histogram"})
    (reader,) = answered(model, history(*[40] * 10)).send_times
    assert reader.own_share == 0
    assert np.allclose(reader.distribution, stored["accounts"]["brand"]["hours"], atol=1e-5)


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "churn"},
        {"schema_version": 2},
        {"serves": "magic"},
        {"prior": [1.0]},
        {"learned": {}},
        {"accounts": {"brand": {"hours": [0.0] * 168, "segments": {}}}},
    ],
)
def test_a_model_of_another_form_is_not_served(stored: dict[str, Any], broken: dict[str, Any]) -> None:
    with pytest.raises(UnusableModel):
        inference.model_from({**stored, **broken})


def answer(**changes: Any) -> bytes:
    packed = base64.b64encode(bytes([1]) * 336).decode()
    row = {"best_hours": [1, 2, 3, 4, 5, 6], "own_share": 0.5, "base": "account", "probabilities": packed}
    return json.dumps({"schema_version": 1, "model_id": "m", "rows": [{**row, **changes}]}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"best_hours": [1, 2, 3]},
        {"best_hours": [1, 1, 3, 4, 5, 6]},
        {"best_hours": [168, 2, 3, 4, 5, 6]},
        {"own_share": 1.5},
        {"own_share": None},
        {"base": "moon"},
        {"probabilities": "!"},
        {"probabilities": "AAAA"},
        {"probabilities": base64.b64encode(bytes(336)).decode()},
    ],
)
def test_an_answer_of_another_form_is_not_believed(changes: dict[str, Any]) -> None:
    assert decode_answer(answer(), 1, in_full=True).model_id == "m"
    with pytest.raises(InvalidAnswer):
        decode_answer(answer(**changes), 1, in_full=True)
    with pytest.raises(InvalidAnswer):
        decode_answer(answer(), 2, in_full=True)
