"""Sizes a launch's holdout for the audience that was just counted."""

from collections.abc import Mapping

from winback.accounts import Account
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.launches import LaunchStore
from winback.aws.lifts import LiftStore
from winback.aws.rubrics import settings_of_snapshot
from winback.campaigns.dry_run import Standing, standing_of
from winback.campaigns.dry_run.outlook import return_rate
from winback.campaigns.launch import Launch
from winback.experiments.sizing import sized_holdout


def read_standing(lake: Lake, lifts: LiftStore, launch: Launch) -> Standing:
    """What the account's history says of the segments of the launch's snapshot."""
    prefix = snapshot_prefix(launch.account_id, launch.snapshot_id)
    return standing_of(
        lake.find_json(f"{prefix}summary.json") or {},
        settings_of_snapshot(lake, prefix),
        lifts.of_account(launch.account_id),
    )


def size_holdout(
    launches: LaunchStore, launch: Launch, account: Account, reachable: Mapping[str, int], standing: Standing
) -> Launch:
    """Freezes the share on the launch, unless its definition states one.

    `reachable`: customers by segment who may be held out at all. Those of the global holdout are in neither arm. Raises
    LaunchChanged when somebody changed the launch meanwhile; a repeated attempt finds the same share.
    """
    wanted = launch.definition.holdout
    if wanted.share is not None:
        return launch
    rate, _ = return_rate(reachable, standing)
    customers = round(sum(reachable.values()) * (1 - account.global_holdout.share))
    share = sized_holdout(customers, rate, wanted.finds_points / 100)
    if share == launch.holdout_share:
        return launch
    return launches.save(launch.model_copy(update={"holdout_share": share}))
