"""The first paragraph of a brief: where the account stands, whom to work first, whom to leave alone, what blocks."""

from winback.briefs.facts import AccountFacts, SegmentFacts, Source
from winback.briefs.reliance import quoted
from winback.briefs.sections import Paragraph, Section
from winback.briefs.stages import LAPSED, SEGMENT_WORDS, Stage, stage_of
from winback.briefs.wording import amount, listed, share, size_and_value
from winback.pages.figures import count, percent

IN_DEPTH = 3
SMALL_JOB = 0.1
"""Below this share of the value to date, winning back is a small job for the account."""
_HALF = 0.5
_BLOCKED = 9.0
_Rows = tuple[SegmentFacts, ...]


def in_order(account: AccountFacts) -> tuple[_Rows, _Rows]:
    """(three segments to treat in depth, the others): who a goal names first, then the order of work, then the rest.

    Where win-back is a small job, one segment to win back and the two that hold most of the value.
    """
    wanted = {stage_of(goal) for goal in account.goals if SEGMENT_WORDS.search(goal)} - {Stage.OTHER}
    similar = {Stage.SLIPPING, Stage.LOST} if wanted & {Stage.SLIPPING, Stage.LOST} else set()
    worked = sorted(account.worked, key=lambda row: row.stage not in wanted | similar)
    alone = sorted(account.left_alone, key=lambda row: (row.stage not in wanted, -(row.net_minor or 0)))
    rows = [*worked, *alone]
    if is_small_job(account):
        rows = [*worked[:1], *alone[: IN_DEPTH - 1], *worked[1:], *alone[IN_DEPTH - 1 :]]
    return tuple(rows[:IN_DEPTH]), tuple(rows[IN_DEPTH:])


def is_small_job(account: AccountFacts) -> bool:
    """Whether what campaigns may win back holds little of the value; False where values are not known."""
    part = account.share_of_value([row for row in account.worked if row.stage in LAPSED])
    return account.source is Source.ORDERS and part is not None and part < SMALL_JOB


def result(account: AccountFacts, deep: _Rows) -> Section:
    if not account.filled:
        words = ["No customer has bought yet: this brief has nobody to speak of."]
    else:
        words = [*_state(account), *_first(account, deep), *_alone(account), *_blocked(account)]
    goals = [f"The goal as stated: {quoted(goal)}." for goal in account.goals[:2]]
    return Section("result", "In short", (Paragraph(" ".join([*goals, *words])),))


def _state(account: AccountFacts) -> list[str]:
    words, customers = [], account.customers
    lapsed = [row for row in account.filled if row.stage in LAPSED and not row.hidden]
    if account.lapsed is not None and customers:
        part = account.share_of_value(lapsed)
        value = f"; theirs is {share(part)} of the value to date" if part is not None else ""
        words.append(
            f"{count(account.lapsed)} of {count(customers)} customers ({percent(account.lapsed / customers, 0)}) have "
            f"been silent for longer than is usual for them{value}."
        )
    elif customers is not None:
        words.append(f"{count(customers)} customers are stated.")
    once = account.bought_once
    if once is not None and customers and once.value > _HALF * customers:
        words.append(
            f"{percent(once.value / customers, 0)} bought only once: the second purchase is the larger problem, "
            "win-back the quicker one."
        )
    return words


def _first(account: AccountFacts, deep: _Rows) -> list[str]:
    worked = [row for row in deep if not row.leave_alone]
    if not worked:
        return ["No segment is worth a win-back campaign now."]
    named = listed([size_and_value(row, account) for row in worked])
    if is_small_job(account):
        part = account.share_of_value([row for row in account.worked if row.stage in LAPSED])
        back = [row for row in account.left_alone if row.stage in LAPSED and row.returns_alone]
        why = [
            f"{percent(row.returns_alone.share, 0)} of {row.name} come back by themselves."
            for row in back
            if row.returns_alone
        ]
        rich = [row for row in deep if row.leave_alone and row.net_minor]
        money = [f"The money is in {listed([_with_value(row, account) for row in rich])}: keep their rhythm."]
        small = f"Win-back is a small job here: the segments it may address hold {share(part, 1)} of the value."
        return [small, *why, f"Still worth doing, by hand or once a quarter: {named}.", *(money if rich else [])]
    top = worked[0]
    words = [f"Work first: {named}."]
    if top.returns_alone is not None:
        unasked = percent(top.returns_alone.share, 0)
        words.append(f"{unasked} of {top.name} come back unasked, so only a holdout tells what a campaign adds.")
    return words


def _with_value(row: SegmentFacts, account: AccountFacts) -> str:
    return f"{row.name} ({amount(row.net_minor, account.currency)}, {share(account.share_of_value([row]))})"


def _alone(account: AccountFacts) -> list[str]:
    rows = [row for row in account.left_alone if row.stage not in LAPSED]
    part = account.share_of_value(rows)
    if not rows or is_small_job(account):
        return []
    value = f" ({share(part)} of the value)" if part is not None else ""
    return [f"Leave {listed([row.name for row in rows])} alone{value}."]


def _blocked(account: AccountFacts) -> list[str]:
    blocked = any(gap.name == "consent to e-mail" and gap.score >= _BLOCKED for gap in account.gaps)
    return ["Before anything else supply consent: none is on record, and nothing leaves without it."] if blocked else []
