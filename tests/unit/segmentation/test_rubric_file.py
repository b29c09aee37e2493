import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.segmentation.names import Segment
from winback.segmentation.rubric_file import (
    RubricFileError,
    default_rubric_text,
    default_settings,
    read_rubric_file,
)
from winback.segmentation.rubric_settings import RubricSettings
from winback.segmentation.toml_lines import lines_of_keys


def test_the_shipped_rubric_is_documented_line_by_line() -> None:
    given_settings = [
        line for line in default_rubric_text().splitlines() if "=" in line and not line.startswith(("#", "["))
    ]
    policies = ("at_most", "days", "channels", "assumed_lift", "leave_alone")
    assert all("#" in line for line in given_settings if not line.startswith(policies))
    assert set(default_settings().segments) == set(Segment)


def test_every_setting_that_exists_is_named_in_the_shipped_rubric() -> None:
    text = default_rubric_text()
    for heading, group in default_settings():
        if heading != "segments":
            assert all(f"{name} = " in text for name in type(group).model_fields)


def test_an_empty_file_changes_nothing() -> None:
    assert read_rubric_file("").changed == {}
    assert read_rubric_file("").settings == default_settings()
    assert read_rubric_file(default_rubric_text()).changed == {}


def test_a_file_names_only_what_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_text('[bands]\nhigh_value = 250.00\n[segments."Long Gone"]\nat_most = 0\n', encoding="utf-8")
    overrides = read_rubric_file(path, "GBP")
    assert overrides.changed == {"bands.high_value": (None, Decimal("250.00")), "segments.Long Gone.at_most": (1, 0)}
    assert overrides.settings.bands.high_value == Decimal("250.00")
    assert overrides.settings.bands.vip_quantile == default_settings().bands.vip_quantile
    assert overrides.settings.segments[Segment.LONG_GONE].days == 91


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[bands\n", 1, "not TOML"),
        ("[bands]\n\nhigh_value = \n", 3, "not TOML"),
        ("x = '''\n", 1, "not TOML"),
        (
            "[bands]\n# a comment\nhigh_valu = 3\n",
            3,
            "unknown setting 'high_valu' in bands; known: high_value_quantile",
        ),
        ("[colours]\nred = 1\n", 1, "unknown setting 'colours'"),
        ("\nbands = 3\n", 2, "bands is a heading"),
        ('[segments."Nobody"]\nat_most = 1\n', 1, "unknown segment 'Nobody'"),
        ('[segments]\n"Long Gone" = 1\n', 2, "is a heading"),
        ("[bands]\nvip_quantile = '0.9'\n", 2, "expected a number, but it is '0.9'"),
        ("[bands]\nfrequent_at_least = true\n", 2, "expected a number, but it is true"),
        ("[bands]\nfrequent_at_least = 3.5\n", 2, "valid integer"),
        ("[bands]\nvip_quantile = 1.5\n", 2, "less than 1, but it is 1.5"),
        ("[bands]\nhigh_value = inf\n", 2, "finite"),
        ("[bands]\nhigh_value = -5\n", 2, "greater than 0"),
        ("[bands]\nhigh_value = 1.005\n", 2, "1.005 has more decimals than EUR allows (2)"),
        ("[scores]\nvalue = [1, 2.5, 3, 4.001]\n", 2, "4.001 has more decimals"),
        ("[scores]\nquantiles = [0.1,\n  0.2]\n", 2, "not as many values"),
        ("[scores]\nquantiles = 0.1\n", 2, "expected a list in brackets, but it is 0.1"),
        ('[segments.Loyal]\nchannels = "email"\n', 2, "expected a list in brackets, but it is 'email'"),
        ("[scores]\nquantiles = [0.3, 0.2,\n  0.5, 0.9]\n", 2, "not ascending"),
        ('[segments."Loyal"]\nat_most = 2\nchannels = ["fax"]\n', 3, "'fax'"),
        ('[segments."Loyal"]\nassumed_lift = 0.9\n', 2, "less than or equal to 0.5"),
        (
            "[bands]\npremium_above = 100\nelite_above = 50.00\n",
            2,
            "premium_above is above bands.elite_above (100 > 50",
        ),
        ("[bands]\nvip_above = 60\n[bands.x]\n", 3, "unknown setting 'x'"),
        ("[bands]\npremium_quantile = 0.99\n", 2, "premium_quantile is above bands.elite_quantile"),
        ("[recency]\nnew_starter_days = 20\n", 2, "new_days is above recency.new_starter_days (30 > 20)"),
        ("[behaviours]\nlow_per_year = 5\nhigh_per_year = 4\n", 2, "low_per_year is above"),
        ("recency.lost_after = 0.5\n", 1, "greater than 1"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(RubricFileError) as refused:
        read_rubric_file(text, "EUR")
    assert refused.value.line == line
    assert reason in str(refused.value)
    assert str(refused.value).startswith(f"line {line}: ")


def test_what_is_not_text_or_far_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rubric.toml"
    path.write_bytes(b"[bands]\n# caf\xe9\n")
    with pytest.raises(RubricFileError, match="line 2: not UTF-8"):
        read_rubric_file(path)
    with pytest.raises(RubricFileError, match="at most 200,000"):
        read_rubric_file("#" * 300_000)


def test_amounts_of_a_currency_without_decimals_have_none() -> None:
    assert read_rubric_file("[bands]\nhigh_value = 250\n", "JPY").settings.bands.high_value == 250
    with pytest.raises(RubricFileError, match="JPY allows"):
        read_rubric_file("[bands]\nhigh_value = 250.50\n", "JPY")


@given(st.text(max_size=60) | st.from_regex(r"\A\[(bands|scores|segments)\]\n\w+ ?= ?[\w.\"'\[\]{}-]{0,12}\n?\Z"))
def test_whatever_a_file_says_it_is_read_or_refused(text: str) -> None:
    line = _line_of_refusal(text)
    assert line is None or 1 <= line <= text.count("\n") + 1


def _line_of_refusal(text: str) -> int | None:
    try:
        read_rubric_file(text)
    except RubricFileError as refused:
        return refused.line
    return None


_NAME = st.sampled_from(["a", "b", '"x y"', "c"])
_VALUE = st.sampled_from(["1", '"t"', "[1,\n 2]", '"""\n[a]\nb = 1\n"""', "{ k = 1 }", "[ # why\n  1 ]"])


@given(st.lists(st.tuples(_NAME, st.lists(st.tuples(_NAME, _VALUE), max_size=3)), max_size=3))
def test_every_key_is_found_on_its_line(tables: list[tuple[str, list[tuple[str, str]]]]) -> None:
    text, expected = "# head\n\n", {}
    for number, (_, pairs) in enumerate(tables):
        expected[(f"t{number}",)] = text.count("\n") + 1
        text += f"[t{number}]\n"
        for name, value in dict(pairs).items():
            expected[f"t{number}", name.strip('"')] = text.count("\n") + 1
            text += f"{name} = {value}\n"
    tomllib.loads(text)
    lines = lines_of_keys(text)
    assert {path: lines[path] for path in expected} == expected


def test_settings_that_were_stored_are_checked_again() -> None:
    stored = default_settings().model_dump(mode="json")
    assert RubricSettings.model_validate(stored) == default_settings()
    with pytest.raises(ValueError, match="no policy for Loyal"):
        RubricSettings.model_validate(
            {**stored, "segments": {name: policy for name, policy in stored["segments"].items() if name != "Loyal"}}
        )
