"""Both sides of the offer endpoint's contract: what winback asks, ml/offer/inference.py answers."""

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from ml.offer import inference
from winback.features.contract import FEATURES
from winback.predictions.offers import contract
from winback.predictions.offers.effects import Effect, EffectSource
from winback.predictions.requests import InvalidAnswer, MissingFeature

FACTS = dict.fromkeys(contract.OFFER_FEATURES, 1) | {"discount_share": None, "city": "Paris"}
STORED: dict[str, Any] = {
    "schema_version": 1,
    "model_id": "offer-1",
    "features": list(inference.NAMES),
    "fill": [0.5] * len(inference.NAMES),
    "arms": {
        "none": {"average": 0.02, "average_error": 0.01, "shrinkage": 0.0, "varying": None},
        "coupon": {
            "average": 0.05,
            "average_error": 0.03,
            "shrinkage": 0.5,
            "varying": {
                "kind": "ridge",
                "mean": [0.0] * len(inference.NAMES),
                "scale": [1.0] * len(inference.NAMES),
                "coefficients": [[0.1] + [0.0] * 9, [0.3] + [0.0] * 9],
                "center": [0.0, 0.0],
            },
        },
    },
}


def test_the_model_answers_what_was_asked() -> None:
    rows = [(FACTS, ["none", "coupon", "new-one"]), (FACTS, ["none"])]
    ((number, body),) = contract.encode_requests(rows)
    assert number == 2
    answer = contract.decode_answer(ask(body), [arms for _, arms in rows])
    assert answer.model_id == "offer-1"
    first, second = answer.effects
    assert first["new-one"] is None
    assert first["none"] == second["none"] == Effect(0.02, 0.01, EffectSource.MODEL, "offer-1")
    coupon = first["coupon"]
    assert coupon is not None
    assert coupon.uplift == pytest.approx(0.05 + 0.5 * 0.2)
    assert coupon.error == pytest.approx(np.hypot(0.03, 0.5 * np.std([0.1, 0.3], ddof=1)), abs=1e-6)


def test_both_sides_name_the_same_features_and_they_are_facts() -> None:
    assert contract.OFFER_FEATURES == inference.NAMES
    nullable = {name for name, field in inference.FEATURES.items() if field.nullable}
    assert nullable == set(contract.MAY_BE_MISSING)
    assert set(contract.OFFER_FEATURES) <= {feature.name for feature in FEATURES}


def test_at_most_500_rows_go_into_a_call() -> None:
    sizes = [size for size, _ in contract.encode_requests([(FACTS, ["none"])] * 1001)]
    assert sizes == [500, 500, 1]


def test_rows_that_cannot_be_asked_about_are_refused_before_the_call() -> None:
    with pytest.raises(MissingFeature, match="purchases"):
        list(contract.encode_requests([({**FACTS, "purchases": None}, ["none"])]))
    with pytest.raises(ValueError, match="names without"):
        list(contract.encode_requests([(FACTS, ["a|b"])]))
    with pytest.raises(ValueError, match="the arms are none"):
        list(contract.encode_requests([(FACTS, [])]))


def test_an_unknown_field_a_missing_one_and_a_wrong_type_are_named() -> None:
    row = {**contract.model_row(FACTS), "arms": "none"}
    for change, named in (
        ({"city": "Paris"}, ("city", "unknown field")),
        ({"purchases": "3"}, ("purchases", "is a str")),
        ({"arms": 3}, ("arms", "is 3")),
    ):
        refused = inference.input_fn(json.dumps({"schema_version": 1, "rows": [row | change]}), "application/json")
        assert isinstance(refused, inference.Rejection)
        assert (refused.status, refused.problems[0].field, refused.problems[0].problem) == (400, *named)
    del row["silence_days"]
    refused = inference.input_fn(json.dumps({"schema_version": 1, "rows": [row]}), "application/json")
    assert isinstance(refused, inference.Rejection)
    assert "silence_days: missing" in refused.message
    assert inference.output_fn(inference.predict_fn(refused, model()), "application/json").status == 400  # type: ignore[union-attr]


def test_csv_works_too() -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*inference.NAMES, "arms"])
    writer.writerow([*(3 if name != "discount_share" else "" for name in inference.NAMES), "none|coupon"])
    found = inference.predict_fn(inference.input_fn(text.getvalue(), "text/csv"), model())
    body, kind = inference.output_fn(found, "text/csv")  # type: ignore[misc]
    assert kind == "text/csv"
    header, row = csv.reader(io.StringIO(body))
    assert header == ["arms"]
    assert set(json.loads(row[0])) == {"none", "coupon"}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"rows": []}, "not an answer"),
        ({"schema_version": 2, "model_id": "m", "rows": []}, "schema_version is 2"),
        ({"schema_version": 1, "model_id": "", "rows": []}, "model_id"),
        ({"schema_version": 1, "model_id": "m", "rows": []}, "0 rows answered for 1"),
        ({"schema_version": 1, "model_id": "m", "rows": [{"arms": {}}]}, "not the arms"),
        ({"schema_version": 1, "model_id": "m", "rows": [{"arms": {"none": {"uplift": "1"}}}]}, "uplift is no number"),
        ({"schema_version": 1, "model_id": "m", "rows": [{"arms": {"none": {"uplift": 1, "error": -1}}}]}, "below 0"),
    ],
)
def test_another_answer_is_refused(answer: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidAnswer, match=problem):
        contract.decode_answer(json.dumps(answer).encode(), [["none"]])


def test_a_model_of_another_schema_or_a_broken_one_is_not_served() -> None:
    for change in ({"schema_version": 2}, {"features": ["x"]}, {"arms": {"none": {}}}, {"fill": ["x"]}):
        with pytest.raises(inference.UnusableModel):
            inference.model_from(STORED | change)


def model() -> inference.OfferModel:
    return inference.model_from(STORED)


def ask(body: bytes) -> bytes:
    answer = inference.output_fn(inference.predict_fn(inference.input_fn(body, "application/json"), model()), "*/*")
    assert isinstance(answer, tuple), answer
    return answer[0].encode()
