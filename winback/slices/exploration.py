"""What an explorer page needs of a filter: segments by overlay, what they are worth, and whom each channel reaches."""

from collections.abc import Collection, Mapping, Sequence

from pydantic import Field

from winback.segmentation.overlays import Overlay
from winback.segmentation.suppression import hidden_cells
from winback.slices.compilation import Ground
from winback.slices.hiding import Crossed, hide
from winback.slices.preview import Marked, Part, Preview, parts_of, preview_of, read_sql
from winback.slices.problems import ConditionRefused, Problem
from winback.slices.requests import HIDDEN_BELOW
from winback.slices.simulation import Group

CHANNELS = ("email", "sms", "push")


class Crossing(Part):
    """Selected customers of one segment in one tier of an overlay. Null figures: suppressed, too few to show."""

    segment: str
    overlay: str
    tier: str | None = Field(description="null: not known")
    customers: int | None
    net_minor: int | None


class Consent(Part):
    """Selected customers by their consent to a channel; null where the snapshot does not tell, or too few to show."""

    channel: str
    granted: int | None
    denied: int | None
    unknown: int | None


class Exploration(Preview):
    crossings: list[Crossing]
    consent: list[Consent]


def explore(marked: Marked, ground: Ground, *, as_of: str, hidden_below: int = HIDDEN_BELOW) -> Exploration:
    rows = [row for row in marked.combined(read_sql("cross")) if Overlay(row[1]).column in ground.columns]
    crossings: dict[Crossed, tuple[int, int]] = {
        (segment, overlay, tier): (members, net_minor) for segment, overlay, tier, members, net_minor in rows
    }
    hidden = hide(
        parts_of(marked, ground), hidden_below, crossings={key: members for key, (members, _) in crossings.items()}
    )
    found = preview_of(marked, ground, as_of=as_of, hidden_below=hidden_below, hidden=hidden)
    return Exploration(
        **found.model_dump(),
        crossings=_crossings(crossings, hidden.selected),
        consent=_consents(marked, ground, hidden_below),
    )


def groups_of(marked: Marked, channel: str, ground: Ground) -> list[Group]:
    """The selected customers of each segment, as the channel reaches them.

    Raises ConditionRefused when the snapshot does not tell consent to the channel.
    """
    if f"{channel}_consent" not in ground.columns:
        problem = f"needs {channel}_consent, which this snapshot does not have"
        raise ConditionRefused([Problem("", problem, "a snapshot that has it: a refresh adds what came later")])
    rows = marked.rows(read_sql("reach"), channel=channel)
    return [
        Group(
            segment=segment,
            customers=members,
            reachable=reachable,
            value_each_minor=gross_minor / purchases if purchases and gross_minor is not None else None,
            margin_share=margin_minor / margin_net_minor if margin_minor is not None and margin_net_minor else None,
        )
        for segment, members, reachable, purchases, gross_minor, margin_minor, margin_net_minor in rows
    ]


def hidden_groups(found: Exploration, groups: Sequence[Group], hidden_below: int) -> frozenset[str]:
    """Segments of which a simulation may not tell figures beside what an exploration tells: those that it hides, those
    where few can or cannot be reached, and as many more as it takes for the totals not to tell them.
    """
    hidden = {row.value for row in found.representation if row.dimension == "segment" and row.customers is None}
    measures = [
        {group.segment: group.customers for group in groups},
        {group.segment: group.reachable for group in groups},
        {group.segment: group.customers - group.reachable for group in groups},
    ]
    known = frozenset(group.segment for group in groups if group.segment in hidden)
    while True:
        more = known.union(*(hidden_cells(each, [list(each)], hidden_below, always=known) for each in measures))
        if more == known:
            return known
        known = more


def _crossings(crossings: Mapping[Crossed, tuple[int, int]], hidden: Collection[object]) -> list[Crossing]:
    return [
        Crossing(
            segment=key[0],
            overlay=key[1],
            tier=key[2],
            customers=None if key in hidden else members,
            net_minor=None if key in hidden else net_minor,
        )
        for key, (members, net_minor) in crossings.items()
    ]


def _consents(marked: Marked, ground: Ground, hidden_below: int) -> list[Consent]:
    ((members, *answers),) = marked.rows(read_sql("consents"))
    found = []
    for channel, granted, denied in zip(CHANNELS, answers[::2], answers[1::2], strict=True):
        counts = {"granted": granted, "denied": denied, "unknown": members - granted - denied}
        hidden = hidden_cells(counts, [list(counts)], hidden_below)
        told = f"{channel}_consent" in ground.columns
        shown = {answer: count if told and answer not in hidden else None for answer, count in counts.items()}
        found.append(Consent(channel=channel, **shown))
    return found
