"""The rubric that a snapshot was cut by."""

from winback.aws.lake import Lake
from winback.segmentation.rubric import read_rubric
from winback.segmentation.rubric_file import default_settings
from winback.segmentation.rubric_settings import RubricSettings


def settings_of_snapshot(lake: Lake, prefix: str) -> RubricSettings:
    """Those of the snapshot at `prefix`; the shipped ones where it keeps none, or none that this version reads."""
    kept = lake.find_json(f"{prefix}rubric.json")
    rubric = read_rubric(kept) if kept is not None else None
    return rubric.settings if rubric is not None else default_settings()
