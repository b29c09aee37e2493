"""What a launch's report measured, as plans of later launches read it."""

from winback.analytics.report import Comparison, LaunchReport
from winback.campaigns.launch import LaunchState
from winback.instants import format_instant
from winback.slices.lifts import Arms, LaunchLift, SegmentArms


def lift_of(report: LaunchReport, channel: str) -> LaunchLift | None:
    """None when there is nothing to learn: the launch is not finished, nobody was held out, or the arms are not
    comparable or a rule is broken, so that the difference may have other causes than the campaign.
    """
    finished = report.state is LaunchState.FINISHED and not report.interim
    if not finished or not report.trustworthy or not report.customers.held_out or not report.customers.treated:
        return None
    segments = tuple(SegmentArms(segment=each.label, **_arms(each).model_dump()) for each in report.segments)
    revenue = report.revenue.effect
    return LaunchLift(
        launch_id=report.launch_id,
        campaign_id=report.campaign_id,
        channel=channel,
        segments=segments,
        treated=sum(each.treated for each in segments),
        treated_won=sum(each.treated_won for each in segments),
        held_out=sum(each.held_out for each in segments),
        held_out_won=sum(each.held_out_won for each in segments),
        evaluation_days=(report.evaluation_ends_at - report.assigned_at).days,
        currency=report.revenue.currency,
        revenue_difference_minor=revenue.difference if revenue is not None else None,
        revenue_low_minor=revenue.low if revenue is not None else None,
        revenue_high_minor=revenue.high if revenue is not None else None,
        revenue_steady=report.revenue.steady,
        engaged=sum(each.engaged for each in report.channels),
        handed_over=report.ledger.handed_over,
        ended_at=format_instant(report.evaluation_ends_at),
    )


def _arms(found: Comparison) -> Arms:
    return Arms(
        treated=found.treated.customers,
        treated_won=found.treated.returned,
        held_out=found.held_out.customers,
        held_out_won=found.held_out.returned,
    )
