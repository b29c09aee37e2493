import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ml import contract
from ml.churn import bootstrap, examples, inference, train
from winback.features import FEATURES


def test_the_same_purchases_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    assert bootstrap.build(tmp_path).read_bytes() == archive.read_bytes()


def test_the_archive_holds_the_model_and_the_very_serving_script(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        assert packed.getnames() == ["code/contract.py", "code/inference.py", "model.json"]
        script = packed.extractfile("code/inference.py")
        assert script is not None
        assert script.read() == Path(inference.__file__).read_bytes()


def test_packing_ignores_when_and_by_whom_files_were_written(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    first = bootstrap.pack(tmp_path)
    os.utime(tmp_path / "model.json", (0, 0))
    (tmp_path / "model.json").chmod(0o600)
    assert bootstrap.pack(tmp_path) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as packed:
        entry = packed.getmember("model.json")
        assert (entry.mtime, entry.uid, entry.mode) == (0, 0, 0o644)


def test_the_script_serves_where_nothing_else_of_the_project_exists(model_dir: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/code'); import inference as i; m = i.model_fn(sys.argv[1]);"
        "row = dict.fromkeys(i.NAMES, 1); import json;"
        "print(i.output_fn(i.predict_fn(i.input_fn(json.dumps({'schema_version': 1, 'rows': [row]}),"
        " 'application/json'), m), '*/*')[0]); assert not {'winback', 'ml', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(model_dir)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert 0 < json.loads(done.stdout)["rows"][0]["churn_probability"] < 1


def test_the_training_script_runs_as_the_container_runs_it(tmp_path: Path) -> None:
    source, channel, model = (tmp_path / name for name in ("source", "train", "model"))
    source.mkdir()
    for module in (train, inference, contract):
        path = Path(str(module.__file__))
        (source / path.name).write_bytes(path.read_bytes())
    rows = examples.read_cdnow().at(examples.CDNOW_END - 2 * examples.HORIZON)
    examples.write_training_rows(rows, channel)
    subprocess.run(
        [sys.executable, "train.py", "--l2", "2.5"],
        cwd=source,
        env={"SM_CHANNEL_TRAIN": str(channel), "SM_MODEL_DIR": str(model), "PATH": os.environ["PATH"]},
        check=True,
    )
    expected = train.fit(rows.values, rows.churned, l2=2.5)
    assert json.loads((model / "model.json").read_text()) == expected
    assert (model / "code" / "inference.py").exists()


def test_training_rows_without_a_needed_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("purchases,churned\n1,0\n")
    with pytest.raises(ValueError, match="silence_days"):
        train.read_rows(tmp_path)
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(ValueError, match="no training rows"):
        train.read_rows(tmp_path)


def test_a_missing_data_set_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make setup"):
        bootstrap.build(tmp_path, tmp_path / "absent.txt")


def test_the_models_features_are_facts_of_the_contract() -> None:
    facts = {feature.name: feature.type for feature in FEATURES}
    assert {facts[name] for name in inference.NAMES} == {"INTEGER"}
