"""What a Spark job is asked: one account's refresh, as an object in the lake that the job's only argument points at."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from winback.identifiers import AccountId, SnapshotId
from winback.playbook.rows import PlaybookCell
from winback.segmentation.data_quality import Rows
from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import Segment
from winback.segmentation.rubric import Rubric


class SparkRequest(BaseModel):
    """Keys are relative to `lake`, a URI that ends with `/`: `s3://bucket/`, or `file:///…/` on a laptop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: AccountId
    snapshot_id: SnapshotId
    as_of: AwareDatetime
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="the account's, ISO 4217")
    trend_category: str | None = None
    rubric: Rubric | None = Field(default=None, description="the one in force; None calibrates")
    proposes: bool = Field(default=False, description="a recalibration is due: work out what it would move")
    lifts: dict[Segment, MeasuredLift] = {}
    import_rows: list[Rows] = Field(default=[], description="what became of the rows of imports")
    called: list[PlaybookCell] = Field(default=[], description="the playbook's cells that a person works")
    lake: str = Field(pattern=r"^[a-z0-9]+://.*/$")
    work: str = Field(pattern=r"/$", description="key prefix of the objects that the job writes")
    orders: str = Field(pattern=r"/$", description="key prefix of the order files")
    rates: str = Field(pattern=r"/$", description="key prefix of the files of exchange rates")
    engagement: str = Field(pattern=r"/$", description="key prefix of the files of touches")
    customers: str = Field(pattern=r"/$", description="key prefix of the files of profiles")

    @property
    def key(self) -> str:
        return f"{self.work}request.json"

    @property
    def proposal(self) -> str:
        """Key of what a recalibration would move, where one is due."""
        return f"{self.work}proposal.json"

    @property
    def uri(self) -> str:
        return f"{self.lake}{self.key}"


def key_of(uri: str) -> tuple[str, str]:
    """The lake and the request's key in it. Raises ValueError for a URI that is not a request's."""
    lake, found, key = uri.partition("refresh/account=")
    if not found or not key.endswith("/request.json"):
        raise ValueError("expected the URI of a request: …/refresh/account=…/request.json")
    return lake, f"{found}{key}"
