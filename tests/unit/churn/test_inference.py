import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from ml import contract
from ml.churn import inference
from ml.churn.inference import ChurnModel
from ml.churn.inputs import FIELDS, INPUTS, NAMES
from ml.contract import ErrorAnswer

ROW = {
    "purchases": 3,
    "silence_days": 40,
    "span_days": 120,
    "purchases_last_91_days": 1,
    "purchases_last_182_days": 3,
    "median_gap_days": 55,
    "gap_log_mean": 4.05,
    "gap_log_spread": 0.4,
    "lapse_days": 96,
    "season_share": None,
    "return_rate": 0.0,
    "discount_share": None,
    "premium_share": 0.25,
    "categories": None,
    "lines_per_order": None,
    "engagement": None,
}


def request(*rows: Any, **others: Any) -> str:
    return json.dumps({"schema_version": 2, "rows": list(rows), **others})


def ask(
    model: ChurnModel, body: str | bytes, content_type: str = "application/json", accept: str = "application/json"
) -> Any:
    """As the container does."""
    return inference.output_fn(inference.predict_fn(inference.input_fn(body, content_type), model), accept)


def refused(answer: Any, status: int = 400) -> dict[str, Any]:
    assert isinstance(answer, ErrorAnswer)
    assert answer.status == status
    error: dict[str, Any] = json.loads(answer.body)["error"]
    return error


def test_each_row_gets_a_probability_in_the_order_asked(model: ChurnModel) -> None:
    silent = {**ROW, "silence_days": 300, "purchases_last_91_days": 0, "purchases_last_182_days": 0}
    body, content_type = ask(model, request(ROW, silent, ROW))
    answer = json.loads(body)
    assert content_type == "application/json"
    assert (answer["schema_version"], answer["model_id"]) == (2, model.model_id)
    first, second, third = (row["churn_probability"] for row in answer["rows"])
    assert 0 < first == third < second < 1


def test_csv_says_the_same_as_json(model: ChurnModel) -> None:
    reordered = sorted(NAMES)
    cells = ("" if ROW[name] is None else str(ROW[name]) for name in reordered)
    lines = "\n".join([",".join(reordered), ",".join(cells)])
    body, content_type = ask(model, lines.encode(), "text/csv; charset=utf-8", "text/csv")
    assert content_type == "text/csv"
    header, probability = body.split()
    assert header == "churn_probability"
    assert float(probability) == json.loads(ask(model, request(ROW))[0])["rows"][0]["churn_probability"]


def test_500_rows_are_served_and_501_refused(model: ChurnModel) -> None:
    assert len(json.loads(ask(model, request(*[ROW] * 500))[0])["rows"]) == 500
    assert "501 rows" in refused(ask(model, request(*[ROW] * 501)))["message"]


def test_no_rows_are_refused(model: ChurnModel) -> None:
    assert "0 rows" in refused(ask(model, request()))["message"]
    assert "0 rows" in refused(ask(model, ",".join(NAMES), "text/csv"))["message"]


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ({**ROW, "shoe_size": 43}, "shoe_size", "unknown field"),
        ({name: value for name, value in ROW.items() if name != "span_days"}, "span_days", "missing"),
        ({**ROW, "purchases": "3"}, "purchases", "is a str"),
        ({**ROW, "purchases": True}, "purchases", "is True"),
        ({**ROW, "purchases": None}, "purchases", "is None"),
        ({**ROW, "purchases": 0}, "purchases", "is 0"),
        ({**ROW, "silence_days": -1}, "silence_days", "is -1"),
        ({**ROW, "silence_days": float("nan")}, "silence_days", "is nan"),
        ({**ROW, "silence_days": float("inf")}, "silence_days", "is inf"),
        ({**ROW, "silence_days": 10**400}, "silence_days", "is 1000"),
        ({**ROW, "silence_days": [1]}, "silence_days", "is a list"),
        ("row", None, "is a str"),
        (list(range(len(NAMES))), None, "is a list"),
        ({**ROW, "premium_share": 1.5}, "premium_share", "is 1.5"),
        ({**ROW, "engagement": float("nan")}, "engagement", "is nan"),
        ({**ROW, "lapse_days": None}, "lapse_days", "is None"),
        (7, None, "is 7"),
    ],
)
def test_a_bad_row_is_named_with_its_field(model: ChurnModel, row: Any, field: str | None, problem: str) -> None:
    error = refused(ask(model, request(ROW, ROW, row)))
    assert error["code"] == "invalid_request"
    assert error["fields"][0]["row"] == 2
    assert error["fields"][0]["field"] == field
    assert error["fields"][0]["problem"].startswith(problem)
    assert error["fields"][0]["expected"]
    assert "row 2" in error["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not application/json"),
        ("", "not application/json"),
        ("9" * 5000, "not application/json"),
        ("[1]", "not an object"),
        (b"\xff\xfe", "UTF-8"),
        ('{"rows": []}', "schema_version"),
        ('{"schema_version": 1, "rows": []}', "schema_version"),
        ('{"schema_version": true, "rows": []}', "schema_version"),
        ('{"schema_version": 2}', "rows"),
        ('{"schema_version": 2, "rows": {}}', "rows"),
        ('{"schema_version": 2, "rows": [], "columns": 1}', "columns: unknown field"),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(model: ChurnModel, body: str | bytes, said: str) -> None:
    assert said in refused(ask(model, body))["message"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("purchases,silence_days\n1,2", "the header is"),
        ("", "the header is"),
        (",".join(NAMES) + "\n1,2,3", "3 values"),
        (",".join(NAMES) + "\n1,2,3,none" + ",1" * (len(NAMES) - 4), NAMES[3]),
        (",".join(NAMES) + '\n"1', "not text/csv"),
    ],
)
def test_a_bad_csv_is_refused_with_its_reason(model: ChurnModel, lines: str, said: str) -> None:
    assert said in refused(ask(model, lines, "text/csv"))["message"]


def test_media_types_of_others_are_refused(model: ChurnModel) -> None:
    assert refused(ask(model, b"\x93NUMPY", "application/x-npy"), 415)["code"] == "unsupported_media_type"
    assert refused(ask(model, request(ROW), accept="image/png"), 406)["code"] == "not_acceptable"
    assert isinstance(ask(model, request(ROW), accept="*/*"), tuple)


def test_the_containers_web_server_sends_a_refusal_with_its_status(model: ChurnModel) -> None:
    # Flask coerces a view's callable result in this way (flask.Flask.make_response).
    response = Response.force_type(ask(model, request()), EnvironBuilder(method="POST").get_environ())
    assert (response.status_code, response.content_type) == (400, "application/json")
    assert response.get_json()["error"]["code"] == "invalid_request"


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*NAMES, "rows", "schema_version", "x"]), inner)
        ),
    )
)
def test_whatever_json_arrives_is_answered_and_never_raised(value: Any) -> None:
    data = inference.input_fn(json.dumps(value), "application/json")
    rows = inference.input_fn(request(value), "application/json")
    assert all(isinstance(answer, contract.Batch | contract.Rejection) for answer in (data, rows))


def field(name: str) -> st.SearchStrategy[float | None]:
    kind = FIELDS[name]
    assert isinstance(kind, contract.Number)
    known = st.floats(kind.low, kind.high)
    return known | st.none() if kind.nullable else known


@settings(deadline=None, max_examples=50)
@given(st.lists(st.fixed_dictionaries({name: field(name) for name in NAMES}), min_size=1, max_size=5))
def test_every_valid_row_has_a_probability_and_its_reasons(model: ChurnModel, rows: list[dict[str, Any]]) -> None:
    answer = json.loads(ask(model, request(*rows, reasons=4))[0])["rows"]
    assert all(0 <= row["churn_probability"] <= 1 for row in answer)
    for row in answer:
        effects = [abs(reason["effect"]) for reason in row["reasons"]]
        assert len(effects) <= 4
        assert effects == sorted(effects, reverse=True)
        assert {reason["feature"] for reason in row["reasons"]} <= set(INPUTS)


def test_reasons_come_only_when_asked_for_and_say_which_way_they_push(model: ChurnModel) -> None:
    assert set(json.loads(ask(model, request(ROW))[0])["rows"][0]) == {"churn_probability"}
    gone = {**ROW, "silence_days": 400, "purchases_last_91_days": 0, "purchases_last_182_days": 0}
    here, lost = json.loads(ask(model, request(ROW, gone, reasons=10))[0])["rows"]
    pushes = [sum(reason["effect"] for reason in row["reasons"]) for row in (here, lost)]
    assert pushes[0] < pushes[1]
    assert "reasons: is 11" in refused(ask(model, request(ROW, reasons=11)))["message"]
    assert "reasons: is 2.5" in refused(ask(model, request(ROW, reasons=2.5)))["message"]
    body, _ = ask(model, request(ROW, reasons=1), accept="text/csv")
    assert body.startswith("churn_probability,reasons\n")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: stored.update(schema_version=1),
        lambda stored: stored.update(fields=["purchases"]),
        lambda stored: stored.update(kind="oracle"),
        lambda stored: stored["forecaster"].pop("base"),
        lambda stored: stored["forecaster"]["trees"][0].update(feature=[99]),
        lambda stored: stored.update(calibration={"method": "wish"}),
        lambda stored: stored.update(calibration={"method": "isotonic", "scores": [2, 1], "probabilities": [0, 1]}),
    ],
)
def test_a_model_of_another_shape_is_not_served(model_dir: Path, tmp_path: Path, spoil: Any) -> None:
    stored = json.loads((model_dir / "model.json").read_text())
    spoil(stored)
    (tmp_path / "model.json").write_text(json.dumps(stored))
    with pytest.raises(contract.UnusableModel):
        inference.model_fn(str(tmp_path))


def test_a_missing_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(contract.UnusableModel, match="model"):
        inference.model_fn(str(tmp_path))
