"""Records of decisions about offers: from the launch's own objects to the lake's `decisions/`, to learn from."""

from winback.aws.lake import Lake
from winback.aws.launch_files import LaunchFiles
from winback.campaigns.launch import Launch
from winback.predictions.offers.records import decisions_key


def record_decisions(lake: Lake, launch: Launch, chunk: int) -> None:
    """Copies what was decided for the chunk; a repeated attempt writes the same object again.

    Called when the chunk's first message with an offer is planned live: of a launch that nobody approves, nothing was
    decided. A fixed offer is no decision.
    """
    policy = launch.definition.offers
    if policy is None or policy.choose == "fixed":
        return
    staged = LaunchFiles(lake, launch).decisions_key(chunk)
    if staged not in lake.list(staged):  # nobody of the chunk was decided for
        return
    lake.copy(staged, decisions_key(launch.account_id, launch.starts_at.date(), f"{launch.launch_id}-{chunk:05d}"))
