"""The Lambda packages hold what their functions import, and nothing that does not belong there."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from infra.bundling import PackageKind, build_package, package_hash, source_files
from infra.config import AWS_LAMBDA, this_machine
from tests.infra.conftest import ROOT, Stage
from tests.infra.test_functions import handlers

KINDS = get_args(PackageKind)
BARE_PYTHON = ROOT / "build" / "emulator" / "bin" / "python"  # as bare as the Lambda runtime
LARGEST_BASE_MB = 60
LARGEST_MB = 250  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

IMPORT_ALL = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for folder in sys.argv[2:]:
    importlib.import_module(f"functions.{folder}.handler")
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    built = {}
    for kind in KINDS:
        built[kind] = tmp_path_factory.mktemp(kind)
        build_package(kind, this_machine(), built[kind])
    return built


def documented() -> dict[str, list[str]]:
    """Folders by package, as the architecture page has them."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (base|data|value) \|", page, re.MULTILINE)
    return {kind: [folder for folder, package in rows if package == kind] for kind in KINDS}


def test_there_are_three_packages_and_each_function_has_the_one_that_is_documented(each_stage: Stage) -> None:
    deployed = {folder: str(found["Code"]["S3Key"]) for folder, found in handlers(each_stage).items()}  # type: ignore[index]

    by_kind = {kind: {deployed[folder] for folder in folders} for kind, folders in documented().items()}
    assert [len(assets) for assets in by_kind.values()] == [1, 1, 1]
    assert len(set.union(*by_kind.values())) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_function_imports_from_its_package_and_the_runtime_alone(packages: dict[str, Path], kind: str) -> None:
    wanted = documented()[kind]
    done = subprocess.run(
        [BARE_PYTHON, "-I", "-B", "-c", IMPORT_ALL, packages[kind], *wanted],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
    )

    assert wanted
    assert done.returncode == 0, done.stderr
    if kind == "base":
        assert "duckdb" not in json.loads(done.stdout)


def test_the_runtimes_own_packages_and_the_laptops_are_left_out(packages: dict[str, Path]) -> None:
    for package in packages.values():
        names = {path.name for path in package.iterdir()}
        assert not names & {"boto3", "botocore", "typer", "rich", "sklearn", "pandas", "pyarrow"}
        assert not (package / "winback" / "cli").exists()
        assert list(package.rglob("__pycache__")) == []


def test_duckdb_and_the_numeric_packages_are_where_they_are_needed_alone(packages: dict[str, Path]) -> None:
    def having(name: str) -> list[str]:
        return [kind for kind, package in packages.items() if (package / name).exists()]

    assert having("duckdb") == ["data", "value"]
    assert having("numpy") == having("scipy") == ["value"]


def test_packages_stay_under_their_limits(packages: dict[str, Path]) -> None:
    sizes = {
        kind: sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) / 1e6
        for kind, package in packages.items()
    }

    assert sizes["base"] <= LARGEST_BASE_MB
    assert sizes["data"] <= LARGEST_MB
    assert sizes["value"] <= LARGEST_MB


def test_files_beside_the_code_travel_with_it(packages: dict[str, Path]) -> None:
    data_files = [path.relative_to(ROOT) for path in source_files() if path.suffix in (".sql", ".mjml", ".css")]

    assert data_files
    assert all((packages["base"] / path).read_bytes() == (ROOT / path).read_bytes() for path in data_files)


def test_a_package_has_another_name_for_another_platform() -> None:
    others = {AWS_LAMBDA, replace(AWS_LAMBDA, python="3.13"), this_machine()}

    assert len({package_hash("base", target) for target in others}) == len(others)
