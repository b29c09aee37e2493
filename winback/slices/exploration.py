"""What an explorer page needs of a filter: segments by overlay, what they are worth, and whom each channel reaches."""

from pydantic import Field

from winback.segmentation.overlays import Overlay
from winback.segmentation.suppression import hidden_cells
from winback.slices.compilation import Ground
from winback.slices.preview import Marked, Part, Preview, preview_of, read_sql
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
    """Selected customers by their consent to a channel; null where the snapshot does not tell."""

    channel: str
    granted: int | None
    denied: int | None
    unknown: int | None


class Exploration(Preview):
    crossings: list[Crossing]
    consent: list[Consent]


def explore(marked: Marked, ground: Ground, *, as_of: str, hidden_below: int = HIDDEN_BELOW) -> Exploration:
    found = preview_of(marked, ground, as_of=as_of, hidden_below=hidden_below)
    return Exploration(
        **found.model_dump(), crossings=_crossings(marked, ground, hidden_below), consent=_consents(marked, ground)
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


def _crossings(marked: Marked, ground: Ground, hidden_below: int) -> list[Crossing]:
    rows = [row for row in marked.combined(read_sql("cross")) if Overlay(row[1]).column in ground.columns]
    counts = {(segment, overlay, tier): members for segment, overlay, tier, members, _ in rows}
    margins: dict[tuple[str, str], list[tuple[str, str, str | None]]] = {}
    for segment, overlay, tier in counts:
        margins.setdefault(("segment", f"{overlay} {segment}"), []).append((segment, overlay, tier))
        margins.setdefault(("tier", f"{overlay} {tier}"), []).append((segment, overlay, tier))
    hidden = hidden_cells(counts, margins.values(), hidden_below)
    return [
        Crossing(
            segment=segment,
            overlay=overlay,
            tier=tier,
            customers=None if (segment, overlay, tier) in hidden else members,
            net_minor=None if (segment, overlay, tier) in hidden else net_minor,
        )
        for segment, overlay, tier, members, net_minor in rows
    ]


def _consents(marked: Marked, ground: Ground) -> list[Consent]:
    ((members, *answers),) = marked.rows(read_sql("consents"))
    found = []
    for channel, granted, denied in zip(CHANNELS, answers[::2], answers[1::2], strict=True):
        told = f"{channel}_consent" in ground.columns
        found.append(
            Consent(
                channel=channel,
                granted=granted if told else None,
                denied=denied if told else None,
                unknown=members - granted - denied if told else None,
            )
        )
    return found
