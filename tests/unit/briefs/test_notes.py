import pytest

from winback.briefs.notes import InvalidNotes, Notes, parse_form, template


def test_the_template_is_a_form_that_fits_and_names_every_field() -> None:
    notes = parse_form(template(), "toml")
    assert notes.customers == 42_000
    assert set(Notes.model_fields) == notes.model_fields_set


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("gross_margin = 0.6", "gross_margin"),
        ("gross_margin_percent = 120", "gross_margin_percent"),
        ("average_order_value = nan", "average_order_value"),
        ('customers = "many"', "customers"),
        ("[[segments]]\ncustomers = 3", "segments[0].name"),
        ("a =", ""),
    ],
)
def test_what_does_not_fit_is_refused_by_field(text: str, field: str) -> None:
    with pytest.raises(InvalidNotes) as refused:
        parse_form(text, "toml")
    assert [problem[0] for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("text", ["[]", "3", "{", "[" * 100_000, '{"customers": NaN}'])
def test_a_broken_form_as_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidNotes):
        parse_form(text, "json")
