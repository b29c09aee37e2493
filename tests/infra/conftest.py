"""Each stage is synthesized once a session, without bundling and without training."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from infra.application import add_application
from infra.config import STAGES
from infra.names import KINDS

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).with_name("snapshots")
Resource = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One stage's synthesized templates, by stack, and what the checks said."""

    name: str
    folder: Path
    templates: dict[str, dict[str, Any]]
    stacks: dict[str, dict[str, Any]]

    def resources(self, kind: str, *, stack: str | None = None) -> dict[str, Resource]:
        """Resources of a CloudFormation type by `stack/LogicalId`."""
        return {
            f"{name}/{logical}": resource
            for name, template in self.templates.items()
            if stack in (None, name)
            for logical, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def properties(self, kind: str, *, stack: str | None = None) -> dict[str, dict[str, Any]]:
        return {name: found.get("Properties", {}) for name, found in self.resources(kind, stack=stack).items()}

    def findings(self) -> list[str]:
        """Errors and warnings of cdk-nag and the CDK's own checks."""
        report = json.loads((self.folder / "validation-report.json").read_text())
        return [
            f"{violation['ruleName']} {construct['constructPath']}"
            for plugin in report["pluginReports"]
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        ]


def synthesize(folder: Path, stage: str, model: Path, **context: str) -> Stage:
    """Findings do not stop the synthesis here: their own test reads them from the report."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(
        outdir=str(folder),
        context={
            **flags,
            "stage": stage,
            "first_models": str(model),
            "aws:cdk:bundling-stacks": [],
            **context,
        },
    )
    add_application(app)
    try:
        app.synth()
    except RuntimeError as error:
        if "Validation failed" not in str(error):
            raise
    manifest = json.loads((folder / "manifest.json").read_text())["artifacts"]
    stacks = {
        name.removeprefix(f"winback-{stage}-"): artifact["properties"]
        for name, artifact in manifest.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    templates = {which: json.loads((folder / f"winback-{stage}-{which}.template.json").read_text()) for which in stacks}
    return Stage(stage, folder, templates, stacks)


@pytest.fixture(scope="session")
def model_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In place of the first models, so that no test trains one."""
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        (folder / kind).mkdir()
        (folder / kind / "model.tar.gz").write_bytes(b"a model")
    return folder


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, model_stand_in: Path) -> Callable[[str], Stage]:
    made: dict[str, Stage] = {}

    def get(name: str) -> Stage:
        if name not in made:
            made[name] = synthesize(tmp_path_factory.mktemp(name), name, model_stand_in)
        return made[name]

    return get


@pytest.fixture(params=STAGES)
def each_stage(request: pytest.FixtureRequest, stage: Callable[[str], Stage]) -> Stage:
    return stage(request.param)


@pytest.fixture(params=["dev", "prod"])
def aws_stage(request: pytest.FixtureRequest, stage: Callable[[str], Stage]) -> Stage:
    """The stages that are deployed to AWS."""
    return stage(request.param)


@pytest.fixture
def prod(stage: Callable[[str], Stage]) -> Stage:
    return stage("prod")


@pytest.fixture
def local(stage: Callable[[str], Stage]) -> Stage:
    return stage("local")


@pytest.fixture
def same_as_snapshot() -> Callable[[str, Any], None]:
    """Compares with tests/infra/snapshots/{name}; UPDATE_SNAPSHOTS=1 writes it instead."""

    def compare(name: str, value: Any) -> None:
        path = SNAPSHOTS / name
        text = json.dumps(value, indent=2, sort_keys=name.endswith("permissions.json")) + "\n"
        if os.environ.get("UPDATE_SNAPSHOTS") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert json.loads(path.read_text()) == json.loads(text), (
            f"{name} differs; if meant: UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/infra"
        )

    return compare
