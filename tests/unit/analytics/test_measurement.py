"""Intention to treat over a few customers, and against a count by hand over many."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winback.analytics.launch_page import launch_page
from winback.analytics.measurement import _compare, _corrected
from winback.experiments.statistics import Verdict

START = datetime(1997, 10, 1, tzinfo=UTC)
per_story = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_everyone_assigned_counts_contacted_or_not(story):
    contacted, skipped, held_out = story.customer(), story.customer(), story.customer("holdout")
    story.planned(contacted, {"state": "accepted"})
    story.planned(skipped, reasons=("frequency_cap",))
    story.planned(held_out, reasons=("held_out",))
    story.order(skipped, 10)
    report = story.measured()
    assert (report.main.treated.returned, report.main.treated.customers) == (1, 2)
    assert (report.main.held_out.returned, report.main.held_out.customers) == (0, 1)
    assert report.ledger.planned == 2


def test_customers_excluded_before_assignment_are_in_no_arm(story):
    story.customer(None, reasons=("no_consent", "suppressed"))
    story.order(story.customer(None, reasons=("no_consent",)), 3)
    story.customer()
    report = story.measured()
    assert (report.customers.candidates, report.customers.excluded) == (3, 2)
    assert [(r.reason, r.count) for r in report.customers.exclusions] == [("no_consent", 2), ("suppressed", 1)]
    assert report.main.treated.returned == 0


def test_the_window_starts_with_assignment_and_excludes_its_end(story):
    inside, before, after, early = (story.customer() for _ in range(4))
    story.order(inside, 91 - 1 / 86400)
    story.order(before, -1 / 86400)
    story.order(after, 91)
    story.order(early, 0)
    assert story.measured().main.treated.returned == 2


def test_a_return_is_no_purchase_but_lowers_revenue(story):
    buyer, returner = story.customer(), story.customer()
    story.order(buyer, 5, 5000)
    story.order(buyer, 9, -2000)
    story.order(returner, 5, -700)
    report = story.measured()
    assert report.main.treated.returned == 1
    assert report.revenue.treated.revenue_minor == 2300


def test_the_latest_version_of_an_order_counts_alone(story):
    moved, grown, given_away = story.customer(), story.customer(), story.customer("holdout")
    story.order(moved, 5, order_id="a")
    story.order(moved, -5, order_id="a", version=1)
    story.order(grown, 5, 100, order_id="b", version=2)
    story.order(grown, 5, 900, order_id="b")
    story.order(grown, 6, order_id="c")
    story.order(given_away, 6, 50, order_id="c", version=1)
    report = story.measured()
    assert (report.main.treated.returned, report.main.held_out.returned) == (1, 1)
    assert (report.revenue.treated.revenue_minor, report.revenue.held_out.revenue_minor) == (100, 50)


def test_orders_in_another_currency_are_purchases_but_no_revenue(story):
    story.order(story.customer(), 5, 5000, currency="JPY")
    report = story.measured()
    assert report.main.treated.returned == 1
    assert (report.revenue.treated.revenue_minor, report.revenue.orders_in_other_currencies) == (0, 1)


def test_customers_who_were_not_lapsed_convert_instead_of_coming_back(story):
    story.order(story.customer(lapsed=False), 3)
    story.customer(lapsed=False)
    story.customer()
    report = story.measured()
    assert report.primary == "win-back"
    assert (report.main.treated.customers, report.main.treated.returned) == (1, 0)
    assert (report.not_lapsed.treated.customers, report.not_lapsed.treated.returned) == (2, 1)


def test_a_launch_to_customers_who_were_not_lapsed_reports_conversion(story):
    story.order(story.customer(lapsed=False), 3)
    report = story.measured()
    assert report.primary == "conversion"
    assert report.main.treated.returned == 1
    assert report.not_lapsed is None


@pytest.mark.parametrize(("treated", "held_out"), [(1, 0), (0, 1), (2, 2), (29, 29)])
def test_a_handful_of_lapsed_customers_does_not_hide_the_others(story, treated, held_out):
    for _ in range(treated):
        story.customer()
    for _ in range(held_out):
        story.customer("holdout")
    for n in range(200):
        customer = story.customer("treatment" if n % 2 else "holdout", lapsed=False)
        if n % 4 == 1:
            story.order(customer, 20)
    report = story.measured()
    assert report.primary == "conversion"
    assert (report.main.treated.customers, report.main.held_out.customers) == (100, 100)
    assert (report.lapsed.treated.customers, report.lapsed.held_out.customers) == (treated, held_out)
    assert report.weeks[-1].treated == 0.5
    assert "conversion rate of treated customers not lapsed at assignment" in report.headline


def test_lapsed_customers_lead_where_their_groups_are_of_usable_size(story):
    for n in range(260):
        story.customer("treatment" if n % 2 else "holdout", lapsed=n < 60)
    report = story.measured()
    assert report.primary == "win-back"
    assert (report.main.treated.customers, report.not_lapsed.treated.customers, report.lapsed) == (30, 100, None)
    assert "win-back rate of treated customers lapsed at assignment" in report.headline


def test_a_small_launch_is_too_small_to_tell(story):
    for n in range(40):
        customer = story.customer("treatment" if n % 5 else "holdout")
        if n % 3 == 0:
            story.order(customer, 20)
    story.plan_the_rest()
    report = story.measured()
    assert report.main.verdict is Verdict.TOO_SMALL
    assert "too small to tell" in report.headline
    assert {segment.verdict for segment in report.segments} == {Verdict.TOO_SMALL}
    assert report.main.smallest_detectable_effect > 0.3


def test_a_large_effect_is_told(story):
    for n in range(300):
        treated = n % 5 > 0
        customer = story.customer("treatment" if treated else "holdout")
        story.planned(customer, {"state": "accepted"} if treated else None, reasons=() if treated else ("held_out",))
        story.planned(
            customer, {"state": "accepted"} if treated else None, reasons=() if treated else ("held_out",), step=2
        )
        if treated and n % 2:
            story.order(customer, 20)
    report = story.measured()
    assert report.main.verdict is Verdict.MORE
    assert report.headline.startswith("The campaign brought customers back")
    assert report.trustworthy


def test_arms_of_the_wrong_size_are_called_not_comparable(story):
    for n in range(400):
        customer = story.customer("treatment" if n % 2 else "holdout")
        if n % 2:
            story.order(customer, 20)
    report = story.measured()
    assert not report.customers.sample_ratio.plausible
    assert report.headline.startswith("The two groups are not comparable")
    assert not report.trustworthy


def test_without_a_holdout_nothing_is_concluded(story):
    story.order(story.customer(), 3)
    report = story.measured()
    assert report.main.verdict is Verdict.NO_COMPARISON
    assert "not known" in report.headline


def test_no_revenue_in_either_group_is_a_difference_of_nothing(story):
    for arm in ("treatment", "treatment", "holdout", "holdout"):
        story.customer(arm)
    revenue = story.measured().revenue
    assert revenue.verdict is Verdict.TOO_SMALL
    assert (revenue.effect.difference, revenue.effect.low, revenue.effect.high) == (0, 0, 0)


def test_the_revenue_of_one_customer_against_one_is_too_small_to_tell(story):
    story.order(story.customer(), 3)
    story.customer("holdout")
    revenue = story.measured().revenue
    assert (revenue.verdict, revenue.effect) == (Verdict.TOO_SMALL, None)


def test_revenue_that_hangs_on_one_customer_says_so(story):
    """Treated customers spent 2.20 more each, which of fifty is too small to tell; one more of them spent 40."""
    for number in range(50):
        usual = 1000 + 200 * (number % 10)
        story.order(story.customer("holdout"), 3, amount=usual)
        story.order(story.customer(), 3, amount=usual + 220)
    story.order(story.customer(), 3, amount=4000)
    report = story.measured()
    assert (report.revenue.verdict, report.revenue.hangs_on, report.revenue.steady) == (Verdict.MORE, 1, True)
    assert "The conclusion hangs on the largest customer: without, it would be another." in launch_page(report)


def test_the_revenue_of_an_empty_group_is_no_comparison(story):
    story.order(story.customer(), 3)
    story.customer()
    assert story.measured().revenue.verdict is Verdict.NO_COMPARISON


def test_before_the_window_is_over_the_report_is_interim(story):
    buyer = story.customer()
    story.order(buyer, 5)
    story.order(story.customer(), 50)
    report = story.measured(START + timedelta(days=30))
    assert report.interim
    assert report.main.treated.returned == 1
    assert [week.week for week in report.weeks] == [0, 1, 2, 3, 4, 5]
    assert not story.measured().interim


def test_an_empty_launch_has_a_report(story):
    report = story.measured()
    assert report.main.treated.customers == 0
    assert report.ledger.balanced
    assert report.trustworthy


members = st.lists(
    st.tuples(
        st.sampled_from(["treatment", "holdout", None]),
        st.sampled_from(["Slipping VIPs", "Slipping Regulars", "Long Gone"]),
        st.booleans(),
        st.lists(st.tuples(st.integers(-20, 110), st.integers(-500, 5000)), max_size=4),
    ),
    max_size=30,
)


@per_story
@given(members)
def test_counts_equal_those_by_hand(new_story, crowd):
    story = new_story()
    for arm, segment, lapsed, orders in crowd:
        key = story.customer(arm, segment=segment, lapsed=lapsed)
        for day, amount in orders:
            story.order(key, day, amount)
    report = story.measured()

    def inside(orders):
        return [(day, amount) for day, amount in orders if 0 <= day < 91]

    def by_hand(arm, keep):
        chosen = [orders for a, s, lapsed, orders in crowd if a == arm and keep(s, lapsed)]
        return len(chosen), sum(any(amount >= 0 for _, amount in inside(orders)) for orders in chosen)

    groups = {(arm, lapsed) for arm, _, lapsed, _ in crowd if arm}
    compared = [one for one in (True, False) if {("treatment", one), ("holdout", one)} <= groups]
    about_lapsed = (compared or [one for one in (True, False) if one in {lapsed for _, lapsed in groups}] or [False])[0]
    for arm, side in (("treatment", "treated"), ("holdout", "held_out")):
        main = getattr(report.main, side)
        assert (main.customers, main.returned) == by_hand(arm, lambda s, lapsed: lapsed is about_lapsed)
        for segment in report.segments:
            found = getattr(segment, side)
            assert (found.customers, found.returned) == by_hand(
                arm, lambda s, lapsed, wanted=segment.label: s == wanted
            )
        revenue = sum(amount for a, *_, orders in crowd if a == arm for _, amount in inside(orders))
        assert getattr(report.revenue, side).revenue_minor == revenue
        last = getattr(report.weeks[-1], side)
        assert last == main.rate
        shares = [getattr(week, side) for week in report.weeks]
        assert shares[0] in (0, None)
        assert shares == sorted(shares, key=lambda share: share or 0)


def test_a_segment_of_many_must_differ_more_than_one_alone():
    """p = 0.03 in one of six segments is chance's work in one launch of six."""
    alone = _compare("Loyal", {("treatment", "Loyal", True): (200, 44), ("holdout", "Loyal", True): (200, 27)})
    assert alone.verdict is Verdict.MORE
    same = {("treatment", "Rising", True): (200, 30), ("holdout", "Rising", True): (200, 30)}
    corrected = _corrected([alone, *[_compare("Rising", same)] * 5])
    assert corrected[0].verdict is Verdict.TOO_SMALL
    assert corrected[0].adjusted_p_value == pytest.approx(6 * alone.effect.p_value)
    assert corrected[0].effect == alone.effect
    assert _corrected([alone])[0].verdict is Verdict.MORE
