import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.contract import CSV, JSON, Batch, ErrorAnswer, Number, Numbers, Rejection, Schema, Text, answer, read_model
from ml.contract import UnusableModel as Unusable

SCHEMA = Schema(
    3,
    {
        "orders": Number(1, 100),
        "days": Number(0, 9, whole=True),
        "share": Number(0, 1, nullable=True),
        "cell": Text(choices=("VIP", "Mass")),
        "channel": Text(longest=5, nullable=True),
        "hours": Numbers(3, 0, 10),
    },
    {"reasons": (Number(0, 5), 0)},
)
ROW: dict[str, Any] = {"orders": 4, "days": 7, "share": None, "cell": "VIP", "channel": None, "hours": [1, 2, 0.5]}


def body(*rows: Any, **others: Any) -> str:
    return json.dumps({"schema_version": 3, "rows": list(rows), **others})


def read(text: str, content_type: str = JSON) -> Batch:
    found = SCHEMA.read(text, content_type)
    assert isinstance(found, Batch), found
    return found


def refused(text: str, content_type: str = JSON) -> Rejection:
    found = SCHEMA.read(text, content_type)
    assert isinstance(found, Rejection)
    return found


def test_a_row_is_read_by_kind_of_field_and_null_becomes_nan() -> None:
    batch = read(body(ROW, {**ROW, "orders": 2.5, "share": 1, "channel": "sms"}, reasons=3))
    assert len(batch) == 2
    assert np.array_equal(batch.numbers, [[4, 7, np.nan], [2.5, 7, 1]], equal_nan=True)
    assert batch.others == {"cell": ["VIP", "VIP"], "channel": [None, "sms"], "hours": [[1, 2, 0.5]] * 2}
    assert batch.options == {"reasons": 3}


def test_csv_reads_as_json_does_with_empty_cells_for_null_and_blanks_in_lists() -> None:
    lines = "cell,days,orders,share,hours,channel\nVIP,7,4,,1 2 0.5,\n"
    found, same = read(lines, CSV), read(body(ROW))
    assert np.array_equal(found.numbers, same.numbers, equal_nan=True)
    assert (found.others, found.options) == (same.others, same.options)


@pytest.mark.parametrize(
    ("row", "field", "problem", "expected"),
    [
        ({**ROW, "orders": None}, "orders", "is None", "a number from 1 to 100"),
        ({**ROW, "days": 2.5}, "days", "is 2.5", "a whole number from 0 to 9"),
        ({**ROW, "share": 1.5}, "share", "is 1.5", "a number from 0 to 1 or null"),
        ({**ROW, "share": float("nan")}, "share", "is nan", "a number from 0 to 1 or null"),
        ({**ROW, "cell": "Elite"}, "cell", "is a str", "one of VIP, Mass"),
        ({**ROW, "cell": None}, "cell", "is None", "one of VIP, Mass"),
        ({**ROW, "channel": "pigeon"}, "channel", "is a str", "a text of at most 5 characters or null"),
        ({**ROW, "hours": [1, 2]}, "hours", "is a list", "a list of 3 numbers from 0 to 10"),
        ({**ROW, "hours": [1, 2, True]}, "hours", "is a list", "a list of 3 numbers from 0 to 10"),
        ({name: value for name, value in ROW.items() if name != "hours"}, "hours", "missing", "a list of 3 numbers"),
        ({**ROW, "size": 1}, "size", "unknown field", "only orders, days, share, cell, channel, hours"),
    ],
)
def test_whatever_does_not_fit_is_named_with_its_row(row: Any, field: str, problem: str, expected: str) -> None:
    (first, *_) = refused(body(ROW, row)).problems
    assert (first.row, first.field, first.problem) == (1, field, problem)
    assert first.expected.startswith(expected)


def test_options_are_checked_and_others_refused() -> None:
    assert "reasons: is 9, expected a number from 0 to 5" in refused(body(ROW, reasons=9)).message
    assert "speed: unknown field" in refused(body(ROW, speed=1)).message
    assert refused(body(ROW, speed=1)).problems[0].expected == "schema_version, rows and reasons alone"


def test_a_text_of_the_request_never_comes_back_in_a_problem() -> None:
    rejection = refused(body({**ROW, "cell": "ann@example.com"}))
    assert "ann@example.com" not in rejection.body()


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                name: st.none() | st.booleans() | st.floats() | st.sampled_from(["VIP", "x"]) | st.just([1, 2, 3])
                for name in SCHEMA.fields
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_batch_is_read_exactly_when_every_value_fits(rows: list[dict[str, Any]]) -> None:
    fits = all(SCHEMA.fields[name].fits(value) for row in rows for name, value in row.items())
    assert isinstance(SCHEMA.read(body(*rows), JSON), Batch) == fits


def test_answers_come_as_json_or_csv_with_six_decimals() -> None:
    columns: dict[str, Any] = {"p": np.array([0.25, 1 / 3]), "why%": [[{"a": 1}], None]}
    text, media_type = answer(3, 'm"1', columns, JSON)  # type: ignore[misc]
    assert media_type == JSON
    assert json.loads(text) == {
        "schema_version": 3,
        "model_id": 'm"1',
        "rows": [{"p": 0.25, "why%": [{"a": 1}]}, {"p": 0.333333, "why%": None}],
    }
    assert answer(3, "m", {"p": columns["p"]}, CSV) == ("p\n0.250000\n0.333333\n", CSV)
    refusal = answer(3, "m", columns, "image/png")
    assert isinstance(refusal, ErrorAnswer)
    assert refusal.status == 406


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_model_file_that_is_missing_or_no_object_is_unusable(tmp_path: Any, text: str | None) -> None:
    if text is not None:
        (tmp_path / "model.json").write_text(text)
    with pytest.raises(Unusable, match=r"model\.json"):
        read_model(tmp_path)
