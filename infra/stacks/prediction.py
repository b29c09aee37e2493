"""The churn model: its champion key is seeded once, and an endpoint serves it where the stage has SageMaker."""

import subprocess
import sys
from pathlib import Path

from aws_cdk import Aws, CustomResource
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.access import Access, Permission
from infra.bundling import ROOT
from infra.constructs.churn_endpoint import ChurnEndpoint
from infra.constructs.python_function import FunctionSpec
from infra.names import CHAMPION_KEY, Names
from infra.stacks.function_stack import FunctionStack

BOOTSTRAP_FOLDER = ROOT / "build" / "bootstrap" / "churn"
_SEED_SECONDS = 60


class BootstrapFailed(RuntimeError):
    """The first model could not be trained; the message ends with the training's own."""


def bootstrap_model() -> Path:
    """The archive that a new deployment starts with, trained unless it is there and younger than its code."""
    archive = BOOTSTRAP_FOLDER / "model.tar.gz"
    newest = max(source.stat().st_mtime for folder in ("ml", "ml/churn") for source in (ROOT / folder).glob("*.py"))
    if not archive.exists() or archive.stat().st_mtime < newest:
        command = [sys.executable, "-m", "ml.churn.bootstrap", "--out", str(BOOTSTRAP_FOLDER)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0 or not archive.exists():
            raise BootstrapFailed(f"{' '.join(command)}\n{done.stderr.strip()}")
    return archive


def functions(access: Access, asset: assets.Asset) -> tuple[FunctionSpec, ...]:
    archive = f"arn:{Aws.PARTITION}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}"
    return (
        FunctionSpec(
            folder="champion_seed",
            does="When deployed: puts the first model on the champion key, unless there is one",
            timeout_seconds=_SEED_SECONDS,
            permissions=(
                Permission(("s3:GetObject",), (archive,)),
                access.models("GetObject PutObject", CHAMPION_KEY),
            ),
        ),
    )


class PredictionStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "prediction", names)
        given = self.node.try_get_context("bootstrap_model")
        asset = assets.Asset(self, "FirstModel", path=str(given or bootstrap_model()))
        self.add_functions(functions(Access(names), asset))
        self._champion: list[CustomResource] = []
        if names.config.seed_champion:
            self._seed_champion(asset)
        if names.config.sagemaker_resources:
            ChurnEndpoint(self, names=names, key=self.key).node.add_dependency(*self._champion)

    def _seed_champion(self, asset: assets.Asset) -> None:
        seed = self.functions["champion_seed"]
        champion = CustomResource(
            self,
            "Champion",
            service_token=seed.function.function_arn,
            resource_type="Custom::ChampionSeed",
            properties={
                "SourceBucket": asset.s3_bucket_name,
                "SourceKey": asset.s3_object_key,
                "Bucket": self.names.bucket("models"),
                "Key": CHAMPION_KEY,
            },
        )
        champion.node.add_dependency(seed.role)
        self._champion.append(champion)
