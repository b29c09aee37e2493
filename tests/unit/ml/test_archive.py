"""What a training job is given and leaves, for every kind of model."""

import importlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from ml import SHARED_CODE, archive, contract
from winback.predictions.kinds import Kind


def packed(folder: Path, name: str, content: str = '{"model_id": "m-1"}') -> Path:
    with tarfile.open(folder / archive.ARCHIVE, "w:gz") as files:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        files.addfile(entry, io.BytesIO(content.encode()))
    return folder


@pytest.mark.parametrize("name", ["model.json", "./model.json"])
def test_a_champion_is_read_however_its_folder_was_packed(tmp_path: Path, name: str) -> None:
    assert archive.read_champion(packed(tmp_path, name)) == {"model_id": "m-1"}


def test_no_champion_is_none_and_an_archive_without_a_model_is_refused(tmp_path: Path) -> None:
    assert archive.read_champion(None) is None
    assert archive.read_champion(tmp_path) is None
    with pytest.raises(contract.UnusableModel, match=r"no model\.json"):
        archive.read_champion(packed(tmp_path, "code/model.json"))


def test_what_is_saved_is_what_a_later_job_reads_as_its_champion(tmp_path: Path) -> None:
    model = {"model_id": "m-2", "values": [0.1, None, "ä"]}
    path = archive.write_archive(tmp_path / "new", model, {"serves": "model"}, [contract])
    assert path == tmp_path / "new" / "model.tar.gz"
    assert archive.read_champion(path.parent) == model
    with tarfile.open(path) as files:
        assert files.getnames() == ["code/contract.py", "evaluation.json", "model.json"]
        files.extractall(tmp_path / "served", filter="data")
    assert contract.read_model(tmp_path / "served") == model
    assert json.loads((tmp_path / "served" / "evaluation.json").read_text()) == {"serves": "model"}


def test_packing_ignores_when_and_by_whom_files_were_written(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    first = archive.pack(tmp_path)
    os.utime(tmp_path / "model.json", (0, 0))
    (tmp_path / "model.json").chmod(0o600)
    assert archive.pack(tmp_path) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as files:
        entry = files.getmember("model.json")
        assert (entry.mtime, entry.uid, entry.mode) == (0, 0, 0o644)


def test_a_jobs_folders_come_from_sagemakers_variables_and_from_arguments_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SM_CHANNEL_TRAIN", "SM_CHANNEL_TEST", "SM_MODEL_DIR"):
        monkeypatch.setenv(name, f"/opt/{name}")
    monkeypatch.delenv("SM_CHANNEL_CHAMPION", raising=False)
    given = archive.job_options(["--test", "later", "--seed", "3"], None, {"seed": (7, "of folds"), "depth": (2, "")})
    assert vars(given) == {
        "train": Path("/opt/SM_CHANNEL_TRAIN"),
        "test": Path("later"),
        "champion": None,
        "model_dir": Path("/opt/SM_MODEL_DIR"),
        "seed": 3,
        "depth": 2,
    }


@pytest.mark.parametrize("kind", Kind)
def test_a_job_without_rows_or_a_place_for_its_model_says_what_to_give(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SM_CHANNEL_TRAIN", "SM_MODEL_DIR"):
        monkeypatch.delenv(name, raising=False)
    script = importlib.import_module(f"ml.{kind}.train")
    with pytest.raises(SystemExit):
        script.main(["--train", "rows"])
    assert "give --train and --model-dir" in capsys.readouterr().err


def test_the_shared_scripts_are_all_that_lies_beside_the_kinds() -> None:
    home = SHARED_CODE[0].parent
    assert {path.name for path in SHARED_CODE} == {path.name for path in home.glob("*.py")} - {"__init__.py"}
