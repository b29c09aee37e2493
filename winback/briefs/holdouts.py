"""How many customers of a segment to hold out, and the smallest effect that then can be told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from winback.briefs.facts import Return, SegmentFacts
from winback.experiments.power import smallest_detectable_effect
from winback.pages.figures import count, percent, points
from winback.playbook.drafts import ASSUMED_BASE_RATE, HOLDOUT_SHARES, LARGEST_EFFECT, WANTED_EFFECT


@dataclass(frozen=True)
class Holdout:
    share: float
    customers: int
    """Of both arms together: those who consent to e-mail, where that is known, else all."""
    smallest_effect: float
    base_rate: float
    is_measured: bool
    """Whether the base rate is the segment's own organic return; else the playbook's assumption."""


def holdout_for(row: SegmentFacts) -> Holdout | None:
    """The smallest share that finds WANTED_EFFECT, else the largest; None: no effect could be told from chance."""
    if not row.customers:
        return None
    reached = round(row.customers * row.reach.get("email", 1.0))
    base = row.returns_alone.share if row.returns_alone else ASSUMED_BASE_RATE
    found: Holdout | None = None
    for share in HOLDOUT_SHARES:
        effect = smallest_detectable_effect(reached * (1 - share), reached * share, base)
        if effect is not None and effect <= LARGEST_EFFECT:
            found = Holdout(share, reached, effect, base, row.returns_alone is not None)
            if effect <= WANTED_EFFECT:
                return found
    return found


def pooled(rows: Sequence[SegmentFacts]) -> SegmentFacts | None:
    """Segments as one audience of a launch; None unless the size and the organic return of each are known."""
    weights = [
        (row, row.customers * row.reach.get("email", 1.0)) for row in rows if row.customers and row.returns_alone
    ]
    total = sum(weight for _, weight in weights)
    if len(weights) < len(rows) or not total:
        return None
    shares = [(row.returns_alone, weight / total) for row, weight in weights if row.returns_alone]
    together = Return(
        *(sum(getattr(each, part) * weight for each, weight in shares) for part in ("share", "low", "high"))
    )
    first = rows[0]
    return replace(first, customers=round(total), reach={}, returns_alone=together)


def holdout_words(row: SegmentFacts) -> str:
    if row.customers is None:
        return "size not known: size the holdout in the dry run"
    found = holdout_for(row)
    if found is None:
        return "too few to tell an effect: no holdout, no claim"
    base = "own return" if found.is_measured else "assumed base"
    held = count(round(found.customers * found.share))
    return (
        f"{percent(found.share, 0)} ({held}) finds a lift of {points(found.smallest_effect, sign=False)} or more over "
        f"the {base} of {percent(found.base_rate, 0)}"
    )
