"""A training job from a laptop is the deployed one: the same scripts, in the same image."""

import tarfile
from pathlib import Path

from infra.constructs.scikit_container import IMAGE
from infra.stacks.training import SHARED_CODE, training_code
from ml import SHARED_CODE as NEIGHBOURS
from winback.aws.sdk_jobs import CONTAINER_VERSION
from winback.cli.churn_train import prepare

CHURN = Path(__file__).parents[2] / "ml" / "churn"


def _contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as packed:
        return {entry.name: source.read() for entry in packed if (source := packed.extractfile(entry)) is not None}


def test_its_code_is_what_the_stack_uploads(tmp_path: Path) -> None:
    deployed = _contents(training_code(CHURN, tmp_path / "deployed.tar.gz", SHARED_CODE))
    assert "train.py" in deployed
    assert _contents(prepare(tmp_path, champion=None).code) == deployed


def test_the_stack_names_the_neighbours_that_the_models_name() -> None:
    assert SHARED_CODE == NEIGHBOURS


def test_its_image_is_the_stacks() -> None:
    assert f"sagemaker-scikit-learn:{CONTAINER_VERSION}-cpu-py3" == IMAGE
