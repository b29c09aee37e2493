"""Objects of one launch in the lake, and the rows in them that are written once."""

from collections.abc import Iterator
from typing import Literal

from winback.aws.lake import AlreadyWritten, Lake, Row, chunk_name
from winback.campaigns.launch import Launch
from winback.campaigns.priorities import Ways
from winback.campaigns.steps import Conditions

Mode = Literal["dry_run", "live"]


def manifest_key(launch: Launch) -> str:
    """The chunks of the launch, one line each: the input of every distributed map over it."""
    return f"{launch.prefix}candidates/manifest.jsonl"


class LaunchFiles:
    def __init__(self, lake: Lake, launch: Launch) -> None:
        self._lake = lake
        self._prefix = launch.prefix
        self.manifest_key = manifest_key(launch)

    def candidates_key(self, chunk: int) -> str:
        return f"{self._prefix}candidates/{chunk_name(chunk)}"

    def audience_key(self, chunk: int) -> str:
        return f"{self._prefix}audience/{chunk_name(chunk)}"

    def plan_key(self, mode: Mode, step: int, chunk: int) -> str:
        return f"{self._prefix}plan-{mode}/step-{step}/{chunk_name(chunk)}"

    def path_key(self, branch: int, chunk: int) -> str:
        """Rows `{customer_key, way}` of the branch's customers of one chunk, `way` then or otherwise; written once."""
        return f"{self.paths_prefix(branch)}{chunk_name(chunk)}"

    def paths_prefix(self, branch: int) -> str:
        return f"{self._prefix}paths/branch-{branch}/"

    def offers_key(self, chunk: int) -> str:
        """The offers that treated customers of one chunk got; written once."""
        return f"{self._prefix}offers/{chunk_name(chunk)}"

    def offers_block_key(self, block: int) -> str:
        """What was chosen for many chunks together; their own objects are made of it. Written once."""
        return f"{self._prefix}offers/block-{block:05d}.jsonl.gz"

    @property
    def offers_summary_key(self) -> str:
        return f"{self._prefix}offers.json"

    def decisions_key(self, chunk: int) -> str:
        """Records of the choices of one chunk, for the lake's decisions once the launch really makes them."""
        return f"{self._prefix}decisions/{chunk_name(chunk)}"

    @property
    def dry_run_key(self) -> str:
        return f"{self._prefix}dry_run.json"

    @property
    def dry_run_page_key(self) -> str:
        return f"{self._prefix}dry_run.html"

    @property
    def report_key(self) -> str:
        return f"{self._prefix}report.json"

    @property
    def report_page_key(self) -> str:
        return f"{self._prefix}report.html"

    def manifest(self) -> list[Row]:
        return self._lake.read_rows(self.manifest_key)

    def planned_chunks(self, step: int) -> Iterator[str]:
        """Keys of the step's live plan chunks that are written already."""
        return self._lake.list(f"{self._prefix}plan-live/step-{step}/")

    def ways(self, conditions: Conditions, chunk: int) -> Ways:
        """Which way each of the chunk's customers took at the branches that lead to a place."""
        return {
            branch: {row["customer_key"]: row["way"] for row in self._lake.read_rows(self.path_key(branch, chunk))}
            for branch, _ in conditions
        }

    def keep_first(self, key: str, rows: list[Row]) -> list[Row]:
        """Writes the rows unless an earlier attempt did; returns the ones that are kept."""
        try:
            self._lake.write_rows(key, rows, once=True)
        except AlreadyWritten:
            return self._lake.read_rows(key)
        return rows
