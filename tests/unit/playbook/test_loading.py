import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from winback.playbook.loading import (
    InvalidPlaybook,
    load_playbook,
    playbook_with,
    replaced,
    shipped_document,
    shipped_playbook,
)
from winback.playbook.rows import Cadence, PlaybookChannel, Priority, cell_name, parse_cell
from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import CELLS, Cell, Status, ValueTier
from winback.segmentation.rubric_file import default_settings

RISKY = Cell(ValueTier.VIP, Status.AT_RISK)
LOST = Cell(ValueTier.HIBERNATING, Status.HIBERNATING)

Document = dict[str, Any]


def test_the_shipped_playbook_has_each_of_the_16_cells_and_six_behaviours() -> None:
    playbook = shipped_playbook()
    assert tuple(row.cell for row in playbook.cells) == CELLS
    assert len(playbook.behaviours) == 6


def test_a_cell_that_cannot_be_lost_is_critical_and_gets_a_person() -> None:
    row = shipped_playbook().row(Cell(ValueTier.HIBERNATING, Status.CANT_LOSE_THEM))
    assert (row.campaign, row.priority, row.priority.rank) == ("Save & Retain (Top priority)", Priority.CRITICAL, 1)
    assert row.by_person == (PlaybookChannel.ACCOUNT_MANAGER,)


def test_hibernating_customers_hear_from_us_once_a_quarter_at_most() -> None:
    row = shipped_playbook().row(LOST)
    assert row.timing.cadence is Cadence.QUARTERLY
    assert row.timing.again_after_days == 91
    assert row.draft is not None
    assert len(row.draft.touches) == 1


def test_the_shipped_playbook_is_the_same_as_json() -> None:
    assert load_playbook(json.dumps(shipped_document()), "json") == shipped_playbook()


def test_a_cell_is_found_however_it_is_written() -> None:
    assert parse_cell(" vip /at  risk") == RISKY
    assert all(parse_cell(cell_name(cell)) == cell for cell in CELLS)
    with pytest.raises(ValueError, match="expected one of VIP / Active"):
        parse_cell("VIP / New")


def test_an_own_file_changes_the_fields_it_names_and_no_other() -> None:
    own = """
    [[cells]]
    value_tier = "VIP"
    status = "At Risk"
    priority = "Critical"
    timing = { words = "today" }
    """
    changed, shipped = playbook_with(own), shipped_playbook()
    row = changed.row(RISKY)
    assert (row.priority, row.timing.words, row.timing.latest_days) == (Priority.CRITICAL, "today", 28)
    assert row.tactics == shipped.row(RISKY).tactics
    assert [cell for cell in changed.cells if cell.cell != RISKY] == [c for c in shipped.cells if c.cell != RISKY]
    assert playbook_with("") == shipped


def test_an_own_row_without_email_has_no_draft() -> None:
    cell = {"value_tier": "VIP", "status": "At Risk", "channels": ["phone"], "draft": {}}
    assert replaced({"cells": [cell]}).row(RISKY).draft is None


def _drop_last(document: Document) -> None:
    document["cells"].pop()


def _repeat_first(document: Document) -> None:
    document["cells"].append(document["cells"][0])


def _invent(document: Document) -> None:
    document["cells"][0]["status"] = "New"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_drop_last, "Hibernating / Hibernating has no row; expected one for each of the 16 cells"),
        (_repeat_first, "VIP / Active has more than one row"),
        (_invent, "VIP / New cannot occur in the grid"),
        (lambda document: document["behaviours"].pop(), "expected one for each of Seasonal Buyer"),
    ],
)
def test_a_playbook_with_other_rows_is_refused(change: Callable[[Document], object], problem: str) -> None:
    document = shipped_document()
    change(document)
    with pytest.raises(InvalidPlaybook, match=problem):
        load_playbook(json.dumps(document), "json")


ROW = '[[cells]]\nvalue_tier = "VIP"\nstatus = "At Risk"\n'


@pytest.mark.parametrize(
    ("text", "line", "field", "problem"),
    [
        (f'{ROW}priority = "Urgent"', 4, "cells[0].priority", "expected 'Critical'"),
        (f"{ROW}[cells.timing]\nearliest_days = 90", 4, "cells[0].timing", "expected at least earliest_days, 90"),
        (f"{ROW}[cells.timing]\nearliest_days = -1", 5, "cells[0].timing.earliest_days", "greater than or equal to 0"),
        (f'\n\n{ROW}offer = {{ words = "15 % off" }}', 6, "cells[0].offer.words", "states a rate"),
        (f'{ROW}tactics = [\n  "call",\n]\nkpis = []', 7, "cells[0].kpis", "at least 1 item"),
        (f'{ROW}colour = "red"', 4, "cells[0].colour", "not a known field"),
        (f'{ROW}channels = ["email", "email"]', 4, "cells[0].channels", "names a channel twice"),
        (f'{ROW}channels = ["phone"]', 1, "cells[0]", "the channels do not name email"),
        (f'{ROW}[cells.draft]\ntouches = [{{ template = "x", after_days = 0 }}]', 5, "template", "no template 'x'"),
        (f"{ROW}draft = {{ evaluation_days = 10 }}", 4, "cells[0].draft", "expected at least 23"),
        (f"{ROW}timing = {{ latest_days = 5 }}", 1, "cells[0]", "leave the timing; expected days 0 to 5"),
        (f'{ROW}timing = {{ cadence = "quarterly" }}', 1, "cells[0]", "expected one, the cadence is quarterly"),
        (f"{ROW}{ROW}", 4, "cells[1]", "VIP / At Risk is replaced twice"),
        ('[[cells]]\nvalue_tier = "VIP"', 1, "cells[0]", "there is no row 'VIP / None' to replace"),
        ('[[behaviours]]\nname = "Rare Buyer"', 1, "behaviours[0]", "one of Seasonal Buyer"),
        ("[[rows]]", 1, "rows", "is not known; expected cells or behaviours"),
        ('cells = "all"', 1, "cells", "is not a list of rows"),
        (f"{ROW}priority = High", 4, "", "expected TOML"),
        (f'{ROW}campaign = "', 4, "", "expected TOML"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_reason(text: str, line: int, field: str, problem: str) -> None:
    with pytest.raises(InvalidPlaybook) as refused:
        playbook_with(text)
    (found, *_) = refused.value.problems
    assert found.line == line
    assert field in found.field
    assert problem in str(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1]", "is not an object"),
        (
            '{"cells": [{"value_tier": "VIP", "status": "At Risk", "priority": 1}]}',
            r"cells\[0\]\.priority: does not fit",
        ),
        ('{"cells": [\n{]}', "line 2: Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_bad_json_is_refused_by_field(text: str, problem: str) -> None:
    with pytest.raises(InvalidPlaybook, match=problem):
        playbook_with(text, "json")


def test_the_shipped_text_promises_no_rate() -> None:
    assert "%" not in json.dumps(shipped_document()["cells"])


def test_the_words_of_the_behaviours_state_the_numbers_of_the_shipped_rubric() -> None:
    settings = default_settings().behaviours
    rules = {row.name: row.rule for row in shipped_playbook().behaviours}
    assert f"{settings.repetitive_gaps} gaps" in rules[Behaviour.REPETITIVE]
    assert f"{settings.repetitive_spread:.2f}" in rules[Behaviour.REPETITIVE]
    assert f"{settings.low_quantile:.0%}".replace("%", " %") in rules[Behaviour.LOW_FREQUENCY]
    assert f"{settings.high_quantile:.0%}".replace("%", " %") in rules[Behaviour.HIGH_FREQUENCY]
    text = files("winback.playbook").joinpath("playbook.toml").read_text(encoding="utf-8")
    assert f"# {settings.shortest_tenure_days} days" in text
