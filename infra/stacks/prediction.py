"""The models: each kind's champion key is seeded once, and an endpoint serves it where the stage has SageMaker."""

import subprocess
import sys
from pathlib import Path

from aws_cdk import Aws, CustomResource
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.access import Access, Permission
from infra.bundling import ROOT
from infra.constructs.model_endpoint import ModelEndpoint
from infra.constructs.python_function import FunctionSpec
from infra.names import KINDS, Names, champion_key
from infra.stacks.function_stack import FunctionStack

BOOTSTRAP_FOLDER = ROOT / "build" / "bootstrap"
_SEED_SECONDS = 60


class BootstrapFailed(RuntimeError):
    """A first model could not be made; the message ends with the training's own."""


def first_model(kind: str, given: str | None) -> Path:
    """The archive that a new deployment starts with: of the folder that the context `first_models` names, which has one
    a kind; else one of build/bootstrap, made unless it is there and younger than its code."""
    folder = (BOOTSTRAP_FOLDER if given is None else Path(given)) / kind
    archive = folder / "model.tar.gz"
    if given is not None:
        return archive
    sources = [*(ROOT / "ml" / kind).glob("*"), *(ROOT / "ml").glob("*.py")]
    newest = max(source.stat().st_mtime for source in sources)
    if not archive.exists() or archive.stat().st_mtime < newest:
        command = [sys.executable, "-m", f"ml.{kind}.bootstrap", "--out", str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0 or not archive.exists():
            raise BootstrapFailed(f"{' '.join(command)}\n{done.stderr.strip()}")
    return archive


def functions(access: Access, models: dict[str, assets.Asset]) -> tuple[FunctionSpec, ...]:
    archives = tuple(
        f"arn:{Aws.PARTITION}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}" for asset in models.values()
    )
    return (
        FunctionSpec(
            folder="champion_seed",
            does="When deployed: puts a kind's first model on its champion key, unless there is one",
            timeout_seconds=_SEED_SECONDS,
            permissions=(
                Permission(("s3:GetObject",), archives),
                access.models("GetObject PutObject", *(champion_key(kind) for kind in models)),
            ),
        ),
    )


class PredictionStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "prediction", names)
        given = self.node.try_get_context("first_models")
        models = {
            kind: assets.Asset(self, f"FirstModel{_suffix(kind)}", path=str(first_model(kind, given))) for kind in KINDS
        }
        self.add_functions(functions(Access(names), models))
        for kind, model in models.items():
            endpoint = ModelEndpoint(self, kind, names=names, key=self.key)
            if names.config.seed_champion:
                endpoint.node.add_dependency(self._seed_champion(kind, model))

    def _seed_champion(self, kind: str, model: assets.Asset) -> CustomResource:
        seed = self.functions["champion_seed"]
        champion = CustomResource(
            self,
            f"Champion{_suffix(kind)}",
            service_token=seed.function.function_arn,
            resource_type="Custom::ChampionSeed",
            properties={
                "SourceBucket": model.s3_bucket_name,
                "SourceKey": model.s3_object_key,
                "Bucket": self.names.bucket("models"),
                "Key": champion_key(kind),
            },
        )
        champion.node.add_dependency(seed.role)
        return champion


def _suffix(kind: str) -> str:
    """Churn came first, without one: its resources keep their names."""
    return "" if kind == "churn" else "".join(part.title() for part in kind.split("_"))
