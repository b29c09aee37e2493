"""Both briefs, from orders and from notes: structure, honesty, and that accounts differ."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.briefs.shops import Shop, make_shop, rendered, sections, tables
from tests.unit.briefs.test_reading import TEN_LINES
from winback.briefs.crm import crm_brief
from winback.briefs.facts import AccountFacts, Certainty
from winback.briefs.holdouts import holdout_for
from winback.briefs.kinds import BRIEFS
from winback.briefs.levers import levers
from winback.briefs.live import SummaryTooOld, facts_of_summary
from winback.briefs.ltv import ltv_plan
from winback.briefs.markdown import markdown
from winback.briefs.notes import parse_form, template
from winback.briefs.reading import read_form, read_text
from winback.briefs.sections import Table
from winback.briefs.stages import LAPSED, Stage, stage_of
from winback.briefs.stated import facts_of_notes
from winback.briefs.timing import sequence
from winback.playbook.loading import shipped_playbook

CRM = ["result", "framework", "scorecard", "triggers", "channels", "ideas", "sequence"]
LTV = ["result", "diagnosis", "levers", "packages", "horizons", "measurement", "reliance", "limits", "decisions"]


def noted(text: str) -> AccountFacts:
    return facts_of_notes(read_text(text))


def texts(text: str) -> list[str]:
    return [markdown(write(noted(text))) for write in BRIEFS.values()]


def test_a_crm_brief_from_orders_has_all_sections(drifting: Shop) -> None:
    brief = crm_brief(drifting.facts())
    assert [section.name for section in brief.sections] == [*CRM, "playbook", "kpis", "reliance", "decisions"]


def test_briefs_from_notes_have_the_same_sections_without_the_playbook() -> None:
    facts = noted(TEN_LINES)
    assert [section.name for section in crm_brief(facts).sections] == [*CRM, "kpis", "reliance", "decisions"]
    assert [section.name for section in ltv_plan(facts).sections] == LTV


def test_at_least_three_segments_are_treated_in_depth_and_all_others_in_brief(drifting: Shop, steady: Shop) -> None:
    for facts in (drifting.facts(), steady.facts(), noted(TEN_LINES), noted("")):
        ideas = sections(crm_brief(facts))["ideas"].describe()["blocks"]
        headings = [block["heading"].partition(":")[0] for block in ideas if "heading" in block]
        named = headings + [row[0] for block in ideas for row in block.get("rows", [])]
        assert len([name for name in headings if name != "The others, in brief"]) >= 3
        assert {row.name for row in facts.filled} <= set(named)


def test_every_horizon_has_a_move(drifting: Shop) -> None:
    for facts in (drifting.facts(), noted(TEN_LINES), noted("")):
        (table,) = sections(ltv_plan(facts))["horizons"].blocks
        assert {row[0].partition(":")[0] for row in table.rows} == {"Short", "Medium", "Long"}


def test_tables_are_well_formed_and_nothing_is_markup(drifting: Shop) -> None:
    for write in BRIEFS.values():
        text = markdown(write(drifting.facts(TEN_LINES)))
        found = list(tables(text))
        assert len(found) >= 3
        for table in found:
            assert len({len(row) for row in table}) == 1
        assert "<a " not in rendered(text)


def test_different_accounts_get_different_briefs(drifting: Shop, steady: Shop) -> None:
    """Of the lines with words of substance, most differ."""
    for write in BRIEFS.values():
        one, other = (
            {line for line in markdown(write(shop.facts())).splitlines() if len(line) > 40}
            for shop in (drifting, steady)
        )
        assert len(one & other) < len(one) / 2


def test_a_shop_where_nobody_drifts_is_told_so(steady: Shop, drifting: Shop) -> None:
    said = str(sections(crm_brief(steady.facts()))["result"].describe())
    assert "small job" in said
    facts = drifting.facts()
    assert f"Work first: {facts.worked[0].name}" in str(sections(crm_brief(facts))["result"].describe())


def test_a_goal_puts_its_segment_first(drifting: Shop) -> None:
    usual = str(sections(crm_brief(drifting.facts()))["result"].describe())
    wanted = str(sections(crm_brief(drifting.facts("Goal: wake the dormant")))["result"].describe())
    assert "Work first: Long Gone" not in usual
    assert "Work first: Long Gone" in wanted


def test_revenue_and_margin_are_columns_of_their_own(drifting: Shop) -> None:
    def shown(shop: Shop) -> Table:
        table = sections(ltv_plan(shop.facts()))["levers"].blocks[0]
        assert isinstance(table, Table)
        return table

    without = shown(drifting)
    margins = without.columns.index("Margin a point")
    assert {row[margins] for row in without.rows} == {"not known"}
    known = shown(make_shop((60, 20, 5, 4_000), (60, 20, 120, 4_000), margin=True))
    assert any("EUR" in row[margins] for row in known.rows)
    revenues = known.columns.index("Revenue a point")
    for row in known.rows:
        told = [row[column] for column in (revenues, margins) if "EUR" in row[column] and row[column] != "0.00 EUR"]
        assert len(set(told)) == len(told)


def test_levers_are_ranked_by_money_and_unknown_ones_come_last(drifting: Shop) -> None:
    found = [max(lever.revenue_minor or 0, lever.margin_minor or 0) for lever in levers(drifting.facts())]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0


def test_a_short_history_caps_certainty() -> None:
    facts = make_shop((80, 10, 5, 1_000)).facts()
    assert facts.history_days is not None
    assert facts.history_days < 365
    assert Certainty.HIGH not in {lever.certainty for lever in levers(facts)}
    assert Certainty.HIGH not in {row.certainty for row in facts.segments}


def test_a_holdout_is_suggested_only_where_it_can_tell(drifting: Shop) -> None:
    for row in drifting.facts().filled:
        found = holdout_for(row)
        assert found is None or found.smallest_effect <= 0.10
    (small,) = (row for row in noted("VIPs: 16 customers").segments if row.name == "VIPs")
    assert holdout_for(small) is None


def test_no_sequence_breaks_the_contact_limit(drifting: Shop) -> None:
    for facts in (drifting.facts(), drifting.facts("At most one email a month"), noted(TEN_LINES)):
        for row in facts.filled:
            touches = sequence(row, facts)
            for limit in filter(None, (row.limit, facts.contact_limit)):
                for touch in touches:
                    near = [each for each in touches if 0 <= each.day - touch.day < limit.days]
                    assert len(near) <= max(limit.at_most, 0)


def test_no_messages_at_all_means_no_sequence() -> None:
    assert "allows none" in texts("VIPs: 100. Lapsed: 900. At most 0 emails a week.")[0]


def test_reach_is_told_where_consent_is_known() -> None:
    shop = make_shop((120, 20, 120, 4_000), (120, 20, 5, 4_000), consents=True)
    text = markdown(crm_brief(shop.facts()))
    assert "of them by e-mail" in text
    assert "none is on record" not in text


def test_small_segments_stay_hidden() -> None:
    groups = ((120, 20, 5, 4_000), (3, 20, 120, 4_000), (4, 25, 120, 90_000), (150, 0, 200, 3_000))
    shown, hidden = make_shop(*groups).facts(), make_shop(*groups, fewest=10).facts(fewest=10)
    secret = [row for row in hidden.segments if row.hidden]
    assert secret
    for row in secret:
        assert (row.customers, row.net_minor, row.silence_days, row.returns_alone) == (None, None, None, None)
    (counted,) = {row.net_minor for row in shown.segments if row.name == "Slipping VIPs"}
    assert counted is not None
    for write in BRIEFS.values():
        assert "too few to show" in markdown(write(hidden))


def test_a_summary_of_before_briefs_is_refused() -> None:
    with pytest.raises(SummaryTooOld, match="refresh once more"):
        facts_of_summary({"version": 1}, shipped_playbook())


def test_without_particulars_a_brief_says_so(drifting: Shop) -> None:
    document = {name: value for name, value in drifting.document.items() if name not in ("particulars", "data_quality")}
    text = markdown(crm_brief(Shop(document).facts()))
    assert "no gaps, returns and consents per segment" in text


def test_nobody_at_all_makes_a_brief() -> None:
    for write in BRIEFS.values():
        markdown(write(make_shop().facts()))


def test_unknown_facts_are_words_and_never_numbers() -> None:
    for text in texts(""):
        figures = re.findall(r"\d[\d,.]*\s*(?:EUR|USD|customers)", text)
        assert figures == []
        assert "not known" in text


def test_what_was_understood_and_what_was_not_is_listed() -> None:
    for text in texts(TEN_LINES):
        assert "gross margin 62 %" in text
        assert "“Our loyalty app is being rebuilt”" in text
        assert "“Never more than 15% off, at most two emails a week”" in text


def test_orders_go_before_notes_and_notes_fill_gaps(drifting: Shop) -> None:
    facts = drifting.facts("AOV 9,999 EUR, gross margin 40%")
    assert facts.average_order is not None
    assert facts.average_order.value < 100_000
    assert facts.margin is not None
    assert facts.margin.value == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("VIPs", Stage.BEST),
        ("Lapsed VIPs", Stage.LOST_BEST),
        ("at-risk", Stage.SLIPPING),
        ("New customers", Stage.NEW),
        ("One-time buyers", Stage.ONCE),
        ("Discount hunters", Stage.DISCOUNT),
        ("Dormant", Stage.GONE),
        ("Quux", Stage.OTHER),
    ],
)
def test_a_name_tells_a_stage(name: str, stage: Stage) -> None:
    assert stage_of(name) is stage


def test_lapsed_people_are_late_or_lost_by_their_silence() -> None:
    late, lost = (noted(f"Reorder every 60 days\nLapsed: 900, no order for {days} days") for days in (180, 300))
    assert late.segments[0].stage is Stage.SLIPPING
    assert next(row for row in lost.segments if row.name == "Lapsed").stage is Stage.LOST


def test_no_brief_promises_a_rate(drifting: Shop) -> None:
    for facts in (drifting.facts(), noted(TEN_LINES)):
        for write in BRIEFS.values():
            text = markdown(write(facts))
            assert "promises no rate" in text
            assert not re.search(r"(?i)guarantee|will increase|expect(ed)? (a )?lift", text)


def test_the_same_facts_give_the_same_brief_and_json_holds_it_all(drifting: Shop) -> None:
    for write in BRIEFS.values():
        one, other = write(drifting.facts()), write(drifting.facts())
        assert markdown(one) == markdown(other)
        assert [part["name"] for part in json.loads(json.dumps(one.describe()))["sections"]] == [
            section.name for section in one.sections
        ]


def test_the_form_makes_both_briefs() -> None:
    facts = facts_of_notes(read_form(parse_form(template(), "toml")))
    assert {row.stage for row in facts.segments} & LAPSED
    for write in BRIEFS.values():
        markdown(write(facts))


_LINES = st.sampled_from([line for line in TEN_LINES.splitlines() if line])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(_LINES, st.text(max_size=60)), max_size=8))
def test_any_notes_give_briefs_that_hold(lines: list[str]) -> None:
    facts = noted("\n".join(lines))
    for write in BRIEFS.values():
        text = markdown(write(facts))
        assert text.count("\n## ") >= 9
        for table in tables(text):
            assert len({len(row) for row in table}) == 1
        plain = rendered(text)
        for tag in ("<a ", "<img", "<script", "<pre", "<code", "<blockquote"):
            assert tag not in plain
        quoted = " ".join(lines)
        for word in ("NaN", "null", "None,", "None;", "None)", "None ("):
            assert word not in text or word[:4] in quoted
