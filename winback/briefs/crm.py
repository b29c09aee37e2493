"""The CRM brief: who drifts, whom to write to, when, where and with what; every figure the account's own."""

from winback.briefs.channels import ideas_by_channel, matrix
from winback.briefs.facts import AccountFacts, SegmentFacts
from winback.briefs.holdouts import holdout_words, pooled
from winback.briefs.ideas import ideas_for
from winback.briefs.insights import insights, offer_cost
from winback.briefs.opening import in_order, result
from winback.briefs.reliance import quoted, reliance
from winback.briefs.scorecard import framework, scorecard
from winback.briefs.sections import Block, Brief, Heading, Paragraph, Section, Table, points
from winback.briefs.stages import LAPSED, Stage
from winback.briefs.timing import BY_HAND_BELOW
from winback.briefs.triggers import outline, triggers
from winback.briefs.wording import UNKNOWN, amount, by_email, listed, size
from winback.pages.figures import count, percent

_SLIPPING = (Stage.SLIPPING, Stage.SLIPPING_BEST)


def crm_brief(account: AccountFacts) -> Brief:
    """Sections by name: result, framework, scorecard, triggers, channels, ideas, sequence, playbook (from orders only),
    kpis, reliance, decisions.
    """
    deep, others = in_order(account)
    sections = (
        result(account, deep),
        framework(account),
        scorecard(account),
        triggers(account, (*deep, *others)),
        matrix(account),
        _ideas(account, deep, others),
        outline(account, deep),
        *_playbook(account),
        _kpis(account),
        reliance(account),
        decisions(account),
    )
    return Brief("crm", titled("CRM brief", account), account.basis, sections)


def titled(name: str, account: AccountFacts) -> str:
    return f"{name}: {account.business}" if account.business else name


def decisions(account: AccountFacts) -> Section:
    stated = (
        f" Limits as stated: {' '.join(quoted(words) for words in account.constraints)}." if account.constraints else ""
    )
    text = (
        "Offers and their size, discounts, how often anybody is written to, and the release of every launch. This page "
        f"sends nothing, starts nothing and promises no rate.{stated}"
    )
    return Section("decisions", "What stays with a person", (Paragraph(text),))


def _ideas(account: AccountFacts, deep: tuple[SegmentFacts, ...], others: tuple[SegmentFacts, ...]) -> Section:
    blocks: list[Block] = []
    cost = offer_cost(account)
    if cost:
        blocks.append(Paragraph(cost))
    for row in deep:
        blocks += _in_depth(row, account)
    if others:
        lines = tuple(_in_brief(row, account) for row in others)
        blocks += [
            Heading("The others, in brief"),
            Table(("Segment", "Customers", "What to do", "Offer"), "lrll", lines),
        ]
    return Section("ideas", "Ideas by segment", tuple(blocks) or (Paragraph("There is no segment to write to."),))


def _in_depth(row: SegmentFacts, account: AccountFacts) -> list[Block]:
    ideas, found = ideas_for(row.stage, account), insights(row, account)
    bullets = [("Approach", row.leave_alone or ideas.reason)]
    bullets += [("Here", " ".join(found))] if found else []
    bullets += ideas_by_channel(row, account)
    bullets.append(("Offer", f"{ideas.offer}{'' if row.leave_alone else _within(account)}."))
    if not row.leave_alone:
        bullets.append(("Holdout", f"{holdout_words(row)}."))
    return [Heading(f"{row.name}: {size(row)}{by_email(row)}"), points(*bullets)]


def _within(account: AccountFacts) -> str:
    limit = account.discount_limit
    if limit is None:
        return ""
    return "; no discount, by your limit" if limit.value == 0 else f"; a discount only up to {percent(limit.value, 0)}"


def _in_brief(row: SegmentFacts, account: AccountFacts) -> tuple[str, ...]:
    ideas = ideas_for(row.stage, account)
    told = row.leave_alone.partition(". ")[0].rstrip(".") + "." if row.leave_alone else ideas.reason
    number = UNKNOWN if row.customers is None else count(row.customers)
    found = [] if row.leave_alone or (row.customers or 0) < BY_HAND_BELOW else insights(row, account)[:1]
    return (row.name, number, " ".join([told, *found]), "none" if row.leave_alone else ideas.offer_kind)


def _playbook(account: AccountFacts) -> tuple[Section, ...]:
    if not account.campaigns:
        return ()
    rows = tuple(
        (
            line.campaign,
            line.priority,
            f"at least {count(line.customers)}" if line.hidden else count(line.customers),
            amount(line.net_minor, account.currency),
            line.timing,
        )
        for line in account.campaigns
    )
    table = Table(("Campaign", "Priority", "Customers", "CLTV to date", "Timing"), "llrrl", rows)
    note = "By the grid of value and status, which is cut otherwise than the segments; drafts are made on request only."
    return (Section("playbook", "The playbook's campaigns", (table, Paragraph(note))),)


def _kpis(account: AccountFacts) -> Section:
    slipping = [row for row in account.worked if row.stage in _SLIPPING]
    together = pooled(slipping) if len(slipping) > 1 else None
    pool = f" {listed([row.name for row in slipping])} in one launch: {holdout_words(together)}." if together else ""
    unasked = any(row.returns_alone for row in account.worked if row.stage in LAPSED)
    bar = " The bar is what returns unasked (segment health)." if unasked else ""
    money = "Margin beside it, never added to it" if account.margin else "Margin stays unknown until costs are known"
    return Section(
        "kpis",
        "What to measure, in this order",
        (
            points(
                ("Incremental win-back rate", f"treated less held out, of all assigned, with its interval.{bar}{pool}"),
                ("Net revenue per assigned customer", f"treated less held out, after returns. {money}."),
                ("Lifetime value to date", "per segment and refresh, with who moved: into Heroes, or into Lost?"),
                ("Harm", "unsubscribes, complaints and hard bounces per 1,000; a rise stops the sequence."),
                (
                    "Click and conversion rate",
                    "by a person, last touch: to choose between two messages, no proof of effect.",
                ),
                (
                    "Open rate",
                    "last: mail programs open by themselves. Compares subjects of one send, decides nothing.",
                ),
            ),
        ),
    )
