"""The whole application of one stage, in its order of deployment."""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.config import StageConfig, stage_config
from infra.names import Names
from infra.stacks.api import ApiStack
from infra.stacks.campaigns import CampaignsStack
from infra.stacks.data import DataStack
from infra.stacks.intake import IntakeStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.prediction import PredictionStack
from infra.stacks.segmentation import SegmentationStack
from infra.stacks.training import TrainingStack


def add_application(app: App, config: StageConfig | None = None) -> None:
    """Adds the stacks of the stage that the context names (or of `config`), and the checks that gate it."""
    names = Names(config or stage_config(app.node.try_get_context))
    data = DataStack(app, names)
    workers = [
        PredictionStack(app, names),
        IntakeStack(app, names),
        SegmentationStack(app, names),
        CampaignsStack(app, names),
        TrainingStack(app, names),
    ]
    api = ApiStack(app, names)
    observability = ObservabilityStack(app, names)
    for stack in (*workers, observability):
        stack.add_stack_dependency(data, "names of the key, tables, buckets and the alarm topic")
    for worker in workers:
        api.add_stack_dependency(worker, "routes open when what they start exists")
    if names.config.nag:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
