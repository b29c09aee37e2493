"""The plan for customer lifetime value: where the money is, which levers move it, who does what until when."""

from winback.briefs.crm import decisions, titled
from winback.briefs.facts import AccountFacts, Certainty, SegmentFacts, Source
from winback.briefs.holdouts import holdout_for, holdout_words
from winback.briefs.ideas import ideas_for
from winback.briefs.insights import insights, offer_cost
from winback.briefs.levers import Lever, levers
from winback.briefs.opening import in_order, is_small_job
from winback.briefs.reliance import quoted, reliance
from winback.briefs.scorecard import risk
from winback.briefs.sections import Block, Brief, Heading, Paragraph, Section, Table, points
from winback.briefs.stages import LAPSED, Stage
from winback.briefs.wording import (
    TOO_FEW,
    UNKNOWN,
    amount,
    by_email,
    days,
    listed,
    number,
    share,
    size,
    ten,
    top_share,
)
from winback.pages.figures import count, percent

_LANES = {
    Stage.BEST: "protect: service, no discount",
    Stage.ACTIVE: "grow: second category, larger order",
    Stage.NEW: "nurture: second purchase",
    Stage.ONCE: "nurture: second purchase",
    Stage.SLIPPING_BEST: "win back, by name",
    Stage.SLIPPING: "win back, by series",
    Stage.LOST_BEST: "win back, by hand",
    Stage.LOST: "one honest mail",
    Stage.GONE: "cost control",
    Stage.DISCOUNT: "protect margin",
    Stage.RETURNING_GOODS: "fewer returns",
    Stage.APART: "keep apart",
    Stage.OTHER: "agree on a rule",
}
_PACKAGES = 4
_STRONG = 2
_SEASON_DAYS = 730


def ltv_plan(account: AccountFacts) -> Brief:
    """Sections by name: result, diagnosis, levers, packages, horizons, measurement, reliance, limits, decisions."""
    ranked = levers(account)
    deep, others = in_order(account)
    sections = (
        _result(account, ranked),
        _diagnosis(account),
        _levers(account, ranked),
        _packages(account, deep, others),
        _horizons(account, ranked, deep),
        _measurement(account),
        reliance(account),
        _limits(account),
        decisions(account),
    )
    return Brief("ltv", titled("Plan for customer lifetime value", account), account.basis, sections)


def _result(account: AccountFacts, ranked: list[Lever]) -> Section:
    words = [f"The goal as stated: {quoted(goal)}." for goal in account.goals[:2]]
    rich = sorted((row for row in account.filled if row.net_minor), key=lambda row: -(row.net_minor or 0))[:_STRONG]
    if rich and account.net_minor:
        held = f"{listed([row.name for row in rich])} hold {share(account.share_of_value(rich))} of it"
        words.append(
            f"{amount(account.net_minor, account.currency)} net to date from {number(account.customers)} customers, "
            f"{amount(_each(account), account.currency)} each; {held}."
        )
    elif account.customers is not None:
        words.append(f"{count(account.customers)} customers are stated; their value to date is not.")
    moneyed = [lever for lever in ranked if lever.revenue_minor]
    if moneyed:
        told = [
            f"{lever.name.lower()} ({amount(lever.revenue_minor, account.currency)}, {lever.certainty} certainty)"
            for lever in moneyed[:3]
        ]
        words.append(f"Levers by what one point is worth, in revenue: {listed(told)}.")
    else:
        words.append("No lever can be put in money: an average order and the number of customers would do it.")
    if account.margin is None:
        words.append("Margin is not known, so no figure here is profit.")
    if is_small_job(account):
        words.append(
            "Win-back is the small lever here; the habit and the basket of those who buy anyway is the large one."
        )
    return Section("result", "In short", (Paragraph(" ".join(words)),))


def _each(account: AccountFacts) -> int | None:
    return round(account.net_minor / account.customers) if account.net_minor is not None and account.customers else None


def _diagnosis(account: AccountFacts) -> Section:
    columns = (
        "Segment",
        "Customers",
        "Value to date",
        "Each",
        "Margin",
        "Average order",
        "Risk",
        "Discount habit",
        "Lane",
    )
    rows = tuple(_diagnosed(row, account) for row in account.filled)
    if not rows:
        return Section("diagnosis", "Where the value is", (Paragraph("No customer has bought yet."),))
    table = Table(columns, "lrrrrrlll", rows).without_empty_columns(UNKNOWN)
    missing = [name.lower() for name in columns if name not in table.columns]
    blocks: list[Block] = [table]
    if missing:
        blocks.append(Paragraph(f"Not known of any segment: {listed(missing)}."))
    return Section("diagnosis", "Where the value is", tuple(blocks))


def _diagnosed(row: SegmentFacts, account: AccountFacts) -> tuple[str, ...]:
    lane = _LANES[row.stage]
    if row.hidden:
        return (row.name, TOO_FEW, *[UNKNOWN] * 6, lane)
    each = round(row.net_minor / row.customers) if row.net_minor is not None and row.customers else None
    part = account.share_of_value([row])
    repeat = top_share(row.discounts, ("repeat",))
    return (
        row.name,
        number(row.customers),
        UNKNOWN if row.net_minor is None else f"{amount(row.net_minor, account.currency)} ({share(part)})",
        amount(each, account.currency),
        share(row.margin_share),
        amount(row.average_order_minor, account.currency),
        risk(row).partition(":")[0],
        UNKNOWN if repeat is None else ten(repeat),
        "leave alone" if row.leave_alone and row.stage in LAPSED else lane,
    )


def _levers(account: AccountFacts, ranked: list[Lever]) -> Section:
    rows = tuple(
        (
            f"{place}",
            lever.name,
            lever.finding,
            lever.point,
            amount(lever.touches_minor, account.currency),
            amount(lever.revenue_minor, account.currency),
            amount(lever.margin_minor, account.currency),
            f"{lever.certainty}: {lever.why}",
        )
        for place, lever in enumerate(ranked, start=1)
    )
    columns = (
        "",
        "Lever",
        "Here",
        "One point is",
        "Money it touches",
        "Revenue a point",
        "Margin a point",
        "Certainty",
    )
    note = (
        "Ranked by what one point is worth, not by what it takes to move it. A point is a unit to compare by, no "
        "forecast, and two levers never add up, for they touch the same customers."
    )
    return Section("levers", "Levers, ranked", (Table(columns, "rlllrrrl", rows), Paragraph(note)))


def _packages(account: AccountFacts, deep: tuple[SegmentFacts, ...], others: tuple[SegmentFacts, ...]) -> Section:
    nurture = [row for row in others if row.stage in (Stage.ONCE, Stage.NEW) and (row.customers or 0) > 0]
    protect = sorted((row for row in others if row.stage is Stage.BEST), key=lambda row: -(row.net_minor or 0))
    rows = (*deep, *nurture[:1], *protect[:1])[: _PACKAGES + 1]
    blocks: list[Block] = [block for row in rows for block in _package(row, account)]
    cost = offer_cost(account)
    if cost:
        blocks.insert(0, Paragraph(cost))
    return Section("packages", "Action packages", tuple(blocks) or (Paragraph("There is no segment to act on."),))


def _package(row: SegmentFacts, account: AccountFacts) -> list[Block]:
    ideas, found = ideas_for(row.stage, account), insights(row, account)
    move = ideas.email if ideas.uses("email") else ideas.person
    holdout = "none: no win-back; watch the segment's own rhythm" if row.leave_alone else holdout_words(row)
    return [
        Heading(f"{row.name}: {size(row)}{by_email(row)}"),
        points(
            ("Move", " ".join([f"{move}.", *found[:1]])),
            ("Incentive", f"{ideas.offer}."),
            ("Owner, effort", f"{ideas.owner}; {ideas.effort}."),
            ("Metric", f"{ideas.metric}."),
            ("Holdout", f"{holdout}."),
        ),
    ]


def _horizons(account: AccountFacts, ranked: list[Lever], deep: tuple[SegmentFacts, ...]) -> Section:
    short, medium, long = _short(account, deep), _medium(account, ranked, deep), _long(account)
    rows = tuple(
        (horizon, move, owner)
        for horizon, moves in (("Short: 30 days", short), ("Medium: a quarter", medium), ("Long: a year", long))
        for move, owner in moves
    )
    return Section("horizons", "When", (Table(("Horizon", "Move", "Owner"), "lll", rows),))


def _short(account: AccountFacts, deep: tuple[SegmentFacts, ...]) -> list[tuple[str, str]]:
    moves = []
    if account.gaps:
        gap = account.gaps[0]
        moves.append((f"Supply {gap.name}. {gap.unlocks}", "data owner"))
    if account.source is Source.STATED:
        moves.append(
            ("Import two years of orders: sizes, rhythm and value are then counted instead of stated", "data owner")
        )
    worked = [row for row in deep if not row.leave_alone]
    if worked:
        row, owner = worked[0], ideas_for(worked[0].stage, account).owner
        by_hand = f"Work through {row.name} by hand ({size(row)}) and note the reasons"
        prepared = f"Prepare {row.name}: dry run, offer decided, holdout set, then approve"
        moves.append((prepared if _measurable(row) else by_hand, owner))
    if not worked or is_small_job(account):
        moves.append(("Stop reminders and discounts to whoever buys in rhythm", "CRM lead"))
    return moves


def _medium(account: AccountFacts, ranked: list[Lever], deep: tuple[SegmentFacts, ...]) -> list[tuple[str, str]]:
    moves = []
    worked = [row for row in deep if not row.leave_alone]
    if worked and _measurable(worked[0]):
        moves.append((f"Read {worked[0].name} against its holdout after 91 days; go on, change or stop", "CRM lead"))
    top = ranked[0]
    plays = {
        "Repeat rate": (
            "Build the second purchase: use of the first order, then what goes with it",
            "lifecycle manager",
        ),
        "Retention": ("Watch who leaves the rhythm each refresh, and ask the first hundred why", "CRM lead"),
        "Win-back": ("Turn the newly lapsed into a standing trigger, approved launch by launch", "CRM manager"),
        "Average order value": ("Test bundles and a free-delivery threshold above the average order", "trading"),
        "Margin mix": ("Replace percent off by bundles where the habit is strongest", "trading with CRM"),
        "Return rate": ("Find the ten articles with most returns, and mend their pages", "merchandising"),
    }
    if top.name in plays:
        moves.append(plays[top.name])
    repeat = top_share(account.discounts, ("repeat",))
    if repeat is not None and repeat >= 0.2 and top.name != "Margin mix":
        moves.append(
            (
                f"Test no discount on the {percent(repeat, 0)} who buy at one as a rule, with a holdout",
                "trading with CRM",
            )
        )
    return moves or [("Agree on segment rules and measure the first launch", "CRM lead")]


def _measurable(row: SegmentFacts) -> bool:
    return row.customers is None or holdout_for(row) is not None


def _long(account: AccountFacts) -> list[tuple[str, str]]:
    moves = []
    if account.margin is None:
        moves.append(("Send costs per order, then decide offers by margin instead of by revenue", "finance"))
    else:
        moves.append(("Rank segments and offers by margin, not by revenue", "finance with CRM"))
    if account.history_days is not None and account.history_days < _SEASON_DAYS:
        missing = days(_SEASON_DAYS - account.history_days)
        moves.append((f"Reach two years of history ({missing} to go): yearly habits show then", "data owner"))
    if account.source is Source.ORDERS:
        moves.append(("Review thresholds once a year (winback rubric compare) before adopting new ones", "CRM lead"))
    return moves


def _measurement(account: AccountFacts) -> Section:
    margin = (
        f"Margin is {share(account.margin.value)} ({account.margin.source}) and one figure for all"
        if account.margin is not None and account.source is Source.STATED
        else "Margin comes from the orders whose cost is known"
        if account.margin is not None
        else "Without costs there is no margin column to fill"
    )
    return Section(
        "measurement",
        "How to measure",
        (
            points(
                (
                    "Effect",
                    "treated less held out, of all assigned, 91 days, with its interval; last touch only beside it.",
                ),
                ("Revenue and margin", f"two columns, never one sum. {margin}."),
                ("Programme", "a global holdout tells what all campaigns add together; launches are never summed."),
                ("Too small to tell", "is a result: pool segments or wait, and do not claim."),
            ),
        ),
    )


def _limits(account: AccountFacts) -> Section:
    lowered = [row.name for row in account.filled if row.certainty is Certainty.LOW]
    low = f" Low certainty: {listed(lowered)}." if lowered and len(lowered) < len(account.filled) else ""
    every = " Every segment is of low certainty." if lowered and len(lowered) == len(account.filled) else ""
    return Section(
        "limits",
        "Limits",
        (
            Paragraph(
                "A plan for the people who run retention, no finance-grade forecast. Lifetime value is value to date: "
                f"no future purchase is in it; predicted value comes with its own model.{low}{every}"
            ),
        ),
    )
