import csv
import io
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.playbook.standings import standing
from winback.playbook.loading import playbook_with, shipped_playbook
from winback.playbook.page import playbook_page
from winback.playbook.table import NOTES, playbook_table
from winback.playbook.written import CELL_COLUMNS, csv_text, markdown
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier

RISKY = Cell(ValueTier.VIP, Status.AT_RISK)
counts = st.dictionaries(st.sampled_from(CELLS), st.integers(0, 5_000))


@given(counts, st.integers(-500, 500_000))
def test_the_cells_add_up_to_the_total(customers: dict[Cell, int], average: int) -> None:
    table = playbook_table(shipped_playbook(), standing(customers, average_minor=average))
    assert sum(line.value.customers or 0 for line in table.cells) == table.total.customers
    assert sum(line.value.total_minor or 0 for line in table.cells) == table.total.total_minor
    for line in table.cells:
        assert line.value.customers == customers.get(line.row.cell, 0)
        assert line.value.average_minor == (average if line.value.customers else None)


def test_what_the_summary_hides_stays_hidden_in_every_form() -> None:
    grid = [{"value_tier": "VIP", "status": "At Risk", "customers": None, "net_minor": None, "hidden": True}]
    table = playbook_table(shipped_playbook(), standing(grid=grid))
    (hidden,) = [line.value for line in table.cells if line.row.cell == RISKY]
    assert hidden.describe() == dict.fromkeys(hidden.describe())
    assert "| too few |" in markdown(table)
    assert "too few" in playbook_page(table)
    assert "too few" not in csv_text(table)


def test_what_a_refresh_predicted_stands_beside_the_value_to_date() -> None:
    fit = {"horizon_days": 365, "discount_rate": 0.1, "fitted_as_of": None, "why_not": None, "sources": {"model": 3}}
    cell = {"value_tier": "VIP", "status": "At Risk", "customers": 3, "valued": 3, "net_minor": 1000}
    cell |= {"predicted_value_minor": 600, "average_predicted_value_minor": 200}
    predicted = {**fit, "total": {}, "segments": [], "grid": [cell]}

    told = playbook_table(shipped_playbook(), standing(predicted_value=predicted)).describe()["cells"]

    (risky,) = [row for row in told if (row["value_tier"], row["status"]) == ("VIP", "At Risk")]
    assert (risky["predicted_value_minor"], risky["average_predicted_value_minor"]) == (600, 200)
    assert [row for row in told if "predicted_value_minor" in row] == [risky]


def test_an_average_is_rounded_to_a_whole_minor_unit() -> None:
    grid = [{"value_tier": "VIP", "status": "At Risk", "customers": 3, "net_minor": 1000}]
    table = playbook_table(shipped_playbook(), standing(grid=grid))
    assert [line.value.average_minor for line in table.cells if line.row.cell == RISKY] == [333]


def test_behaviours_are_counted_where_the_snapshot_tells_them() -> None:
    behaviours = [{"behaviour": "One-off Buyer", "customers": 7, "net_minor": 700, "lapsed": 2}]
    told = playbook_table(shipped_playbook(), standing(behaviours=behaviours))
    values = {line.row.name: line.value for line in told.behaviours}
    assert [values[name].customers for name in Behaviour] == [0, 7, 0, 0, 0, 0]  # type: ignore[union-attr]
    untold = playbook_table(shipped_playbook(), standing())
    assert all(line.value is None for line in untold.behaviours)
    assert "refresh once more" in playbook_page(untold)


def test_every_form_says_which_scheme_drives_campaigns_and_who_the_vips_are() -> None:
    table = playbook_table(shipped_playbook(), standing())
    assert "Segments drive campaigns" in NOTES[0]
    assert "top 0.3 %" in NOTES[1]
    assert table.describe()["notes"] == list(NOTES)
    for note in NOTES:
        assert note in markdown(table)
        assert note.replace("'", "&#x27;") in playbook_page(table)


def test_the_page_is_well_formed_and_names_every_cell_with_its_figures() -> None:
    text = playbook_page(playbook_table(shipped_playbook(), standing(average_minor=123_456)))
    ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>"))
    for cell in CELLS:
        assert f"{cell.value_tier}, {cell.status}".replace("'", "&#x27;") in text
    assert "18,518.40" in text  # 15 x 1,234.56
    assert "Total CLTV to date, GBP" in text


def test_words_of_an_own_playbook_are_text_in_every_form() -> None:
    own = (
        '[[cells]]\nvalue_tier = "VIP"\nstatus = "At Risk"\n'
        'campaign = "=HYPERLINK(1)"\ntactics = ["a | b", "<script>x</script>"]'
    )
    table = playbook_table(playbook_with(own), standing())
    assert "<script>" not in playbook_page(table)
    assert "a \\| b" in markdown(table)
    assert "'=HYPERLINK(1)" in csv_text(table)


def test_csv_has_a_row_for_each_cell_and_behaviour_with_plain_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(playbook_table(shipped_playbook(), standing())))))
    assert [row["Kind"] for row in rows] == ["cell"] * 16 + ["behaviour"] * 6
    assert {name for name in CELL_COLUMNS if "CLTV" not in name} <= set(rows[0])
    assert (rows[9]["Customers"], rows[9]["Total CLTV to date, GBP"]) == ("2890", "28900.00")


@pytest.mark.parametrize(("currency", "written"), [("GBP", "10.00"), ("JPY", "1,000"), ("XXX", "10.00")])
def test_amounts_have_the_decimals_of_their_currency(currency: str, written: str) -> None:
    table = playbook_table(shipped_playbook(), standing(currency=currency))
    assert f"| {written} |" in markdown(table)
    assert "XXX" not in markdown(table)
