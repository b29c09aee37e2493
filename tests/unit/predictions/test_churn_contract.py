import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import contract
from ml.churn import inference, inputs
from winback.features import SCORED
from winback.predictions import churn, requests

ROW = {
    "purchases": 3,
    "silence_days": 40,
    "tenure_days": 160,
    "span_days": 120,
    "purchases_last_91_days": 1,
    "purchases_last_182_days": 3,
    "lapse_days": 96,
    **dict.fromkeys(churn.OPTIONAL),
}
REASON = {"feature": "silence_ratio", "effect": -0.4}


def answer(*probabilities: Any, **others: Any) -> bytes:
    rows = [{"churn_probability": probability, "reasons": [REASON]} for probability in probabilities]
    return json.dumps({"schema_version": 2, "model_id": "churn-1", "rows": rows, **others}).encode()


def test_both_sides_of_the_contract_name_the_same_features_and_limits() -> None:
    assert set(churn.CHURN_FEATURES) == set(inputs.NAMES)
    nullable = {name for name, kind in inputs.FIELDS.items() if kind.nullable}  # type: ignore[union-attr]
    assert set(churn.OPTIONAL) == nullable
    assert churn.REASONS <= inference.MOST_REASONS
    assert requests.MAX_ROWS == contract.MAX_ROWS
    assert churn.SCHEMA_VERSION == inference.SCHEMA_VERSION


def test_the_parts_of_a_refresh_carry_every_feature_that_the_model_reads() -> None:
    assert set(churn.CHURN_FEATURES) <= set(SCORED)


@settings(deadline=None)
@given(st.integers(0, 1600), st.integers(0, 10**6))
def test_every_row_is_in_one_request_in_order_and_none_is_too_large(rows: int, first: int) -> None:
    calls = list(churn.encode_requests({**ROW, "silence_days": first + number} for number in range(rows)))
    assert all(0 < size <= requests.MAX_ROWS and len(body) < requests.MAX_BYTES for size, body in calls)
    sent = [row["silence_days"] for _, body in calls for row in json.loads(body)["rows"]]
    assert sent == [first + number for number in range(rows)]
    assert [size for size, _ in calls] == [len(json.loads(body)["rows"]) for _, body in calls]


def test_a_request_stays_under_four_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_BYTES", 1000)
    calls = list(churn.encode_requests([ROW] * 50))
    assert len(calls) > 1
    assert all(len(body) < 1000 for _, body in calls)
    assert sum(size for size, _ in calls) == 50


def test_only_what_the_model_reads_is_sent() -> None:
    ((_, body),) = churn.encode_requests([{**ROW, "customer_id": "ann@example.com"}])
    assert set(json.loads(body)["rows"][0]) == set(churn.CHURN_FEATURES)


@pytest.mark.parametrize(
    ("name", "absent"), [("span_days", {}), ("span_days", {"span_days": None}), ("engagement", {})]
)
def test_a_missing_feature_is_named(name: str, absent: dict[str, Any]) -> None:
    row = {known: value for known, value in ROW.items() if known != name} | absent
    with pytest.raises(requests.MissingFeature, match=name):
        list(churn.encode_requests([row]))


def test_the_model_answers_what_is_asked_of_it(tmp_path: Path) -> None:
    fitted = {
        "kind": "recency",
        "forecaster": {"typical": 30.0},
        "calibration": {"method": "sigmoid", "slope": 0.01, "intercept": 0.0},
    }
    model = inference.model_from(
        {"schema_version": 2, "model_id": "churn-1", "fields": list(inputs.NAMES), "horizon_days": 91, **fitted}
    )
    ((size, body),) = churn.encode_requests([ROW, {**ROW, "silence_days": 30}])
    text, _ = inference.output_fn(inference.predict_fn(inference.input_fn(body, requests.CONTENT_TYPE), model), "*/*")  # type: ignore[misc]
    decoded = churn.decode_answer(text.encode(), size)
    assert decoded.probabilities == pytest.approx((0.598688, 0.574443))
    assert decoded.reasons == ((churn.Reason("silence_days", 10.0),), ())


def test_an_answer_has_a_probability_for_each_row() -> None:
    decoded = churn.decode_answer(answer(0.25, 1, 0.0), rows=3)
    assert (decoded.model_id, decoded.probabilities) == ("churn-1", (0.25, 1.0, 0.0))
    assert decoded.reasons == ((churn.Reason("silence_ratio", -0.4),),) * 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "JSONDecodeError"),
        (b"\xff", "UnicodeDecodeError"),
        (b"[]", "TypeError"),
        (answer(0.5, rows=[{"probability": 0.5}]), "row 0: KeyError"),
        (answer(0.5, rows=None), "TypeError"),
        (answer(0.5, schema_version=1), "schema_version is 1"),
        (answer(0.5, model_id=""), "model_id"),
        (answer(0.5, 0.5), "2 rows answered for 1"),
        (answer(), "0 rows answered for 1"),
        (answer(1.5), "row 0"),
        (answer(-0.1), "row 0"),
        (answer(float("nan")), "row 0"),
        (answer("0.5"), "row 0"),
        (answer(None), "row 0"),
        (answer(True), "row 0"),
        (answer(0.5, rows=[{"churn_probability": 0.5}]), "KeyError"),
        (answer(0.5, rows=[{"churn_probability": 0.5, "reasons": [{"feature": 3, "effect": 1}]}]), "no names"),
        (answer(0.5, rows=[{"churn_probability": 0.5, "reasons": [{"feature": "x", "effect": None}]}]), "no names"),
    ],
)
def test_anything_else_is_no_answer(body: bytes, said: str) -> None:
    with pytest.raises(requests.InvalidAnswer, match=said):
        churn.decode_answer(body, rows=1)
