"""`winback churn train` around the SageMaker SDK, which is not installed here."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from winback.aws import sdk_jobs
from winback.aws.trainings import unpack
from winback.cli import app, churn_train

ROLE = "arn:aws:iam::111122223333:role/training"
GAP = {"value": 0.41, "difference": -0.11, "low": -0.2, "high": -0.02, "better": True}
EVALUATION: dict[str, Any] = {
    "kind": "churn",
    "schema_version": 1,
    "model_id": "churn-1",
    "trained_on": {"rows": 1200},
    "test": {"rows": 300},
    "metric": "log_loss",
    "value": 0.3,
    "serves": "model",
    "checks": {"calibration_slope": 0.9},
    "against": {"recency": GAP, "logistic": {**GAP, "low": -0.2, "high": 0.1, "better": False}},
}


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Forty customers who order every month, or stop in summer."""
    lines = ["customer_id,order_id,ordered_at,amount"]
    for customer in range(40):
        months = range(1, 13 if customer % 2 else 8)
        lines += [f"c{customer},{customer}-{month},2025-{month:02}-{1 + customer % 28:02},20.00" for month in months]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _run(orders: Path, out: Path, *more: object) -> Result:
    given = ["--orders", orders, "--out", out, "--role", ROLE, "--bucket", "somewhere", *more]
    return CliRunner().invoke(app, ["churn", "train", *map(str, given)])


class Sdk:
    """As the SDK answers: a job that ended with an archive, or did not."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.given: dict[str, Any] = {}

    def train(self, kind: str, *, target: Path, **given: Any) -> sdk_jobs.Result:
        self.given = {"kind": kind, **given}
        if self.failure:
            raise sdk_jobs.JobFailed(self.failure)
        content = json.dumps(EVALUATION).encode()
        with tarfile.open(target, "w:gz") as archive:
            entry = tarfile.TarInfo("evaluation.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        return sdk_jobs.Result("job-1", "s3://somewhere/model.tar.gz", target)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Sdk:
    answering = Sdk()
    monkeypatch.setattr(churn_train, "sdk_installed", lambda: True)
    monkeypatch.setattr(sdk_jobs, "train", answering.train)
    return answering


def test_without_the_sdk_it_says_how_to_get_it(orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(churn_train, "sdk_installed", lambda: False)
    result = _run(orders, tmp_path / "out")
    assert result.exit_code == 2
    assert "make sagemaker" in result.output


def test_the_job_is_given_examples_and_scripts_and_its_evaluation_is_shown(
    orders: Path, tmp_path: Path, sdk: Sdk
) -> None:
    champion = tmp_path / "champion.tar.gz"
    champion.write_bytes(b"a champion")
    result = _run(orders, tmp_path / "out", "--champion", champion)
    assert result.exit_code == 0, result.output
    folders = sdk.given["channels"]
    for channel in ("train", "test"):
        header, *rows = (folders[channel] / "orders.csv").read_text().splitlines()
        assert header.startswith("cut,standing,")
        assert len(rows) >= 40
        assert "c1" not in header + "".join(rows)
    assert (folders["champion"] / "model.tar.gz").read_bytes() == b"a champion"
    assert sdk.given["place"] == sdk_jobs.Place(ROLE, "somewhere", "ml.m5.xlarge")
    assert "log loss 0.3000 on 300 customers" in result.output
    assert "-0.1100 (-0.2000 to -0.0200)  better" in result.output
    assert "-0.1100 (-0.2000 to +0.1000)  not shown" in result.output
    assert "only the training workflow promotes" in result.output
    assert "churn/models/churn-1/model.tar.gz" in result.output
    assert json.loads((tmp_path / "out" / "model" / "evaluation.json").read_text()) == EVALUATION


def test_a_job_that_failed_says_why(orders: Path, tmp_path: Path, sdk: Sdk) -> None:
    sdk.failure = "the role [training] may not read"
    result = _run(orders, tmp_path / "out")
    assert result.exit_code == 1
    assert "the role [training] may not read" in result.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--role", "training"), "--role: 'training' is not the ARN"),
        (("--champion", "nowhere.tar.gz"), "--champion: there is no file"),
        (("--until", "2025-03-01"), "days of orders"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_uploaded(
    orders: Path, tmp_path: Path, sdk: Sdk, more: tuple[str, ...], said: str
) -> None:
    result = _run(orders, tmp_path / "out", *more)
    assert result.exit_code == 2
    assert said in result.output
    assert not sdk.given


def test_a_folder_with_something_in_it_is_not_written_into(orders: Path, tmp_path: Path, sdk: Sdk) -> None:
    result = _run(orders, tmp_path)
    assert result.exit_code == 2
    assert "not a new or empty folder" in result.output


def test_a_model_that_leads_out_of_its_folder_is_not_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("../out.txt"))
    with pytest.raises(tarfile.FilterError):
        unpack(archive, tmp_path / "model")
    assert not (tmp_path / "out.txt").exists()
