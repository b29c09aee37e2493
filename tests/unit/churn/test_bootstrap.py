import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ml import SHARED_CODE
from ml import archive as archives
from ml.churn import bootstrap, datasets, fitting, forecasters, inference, inputs, judging, lifetime, train, trees
from winback.features import FEATURES


def test_the_same_purchases_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    until = datasets.CDNOW_START.replace(month=7, day=2)
    assert bootstrap.build(tmp_path, until=until).read_bytes() == archive.read_bytes()


def test_the_archive_holds_the_model_its_evaluation_and_the_very_serving_scripts(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        scripts = ["contract", "forecasters", "inference", "inputs", "trees"]
        assert packed.getnames() == [*(f"code/{name}.py" for name in scripts), "evaluation.json", "model.json"]
        script = packed.extractfile("code/inference.py")
        assert script is not None
        assert script.read() == Path(inference.__file__).read_bytes()


def test_the_script_serves_where_nothing_else_of_the_project_exists(model_dir: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1] + '/code'); import inference as i; m = i.model_fn(sys.argv[1]);"
        "row = dict.fromkeys(i.inputs.NAMES, 1); import json;"
        "body = json.dumps({'schema_version': 2, 'rows': [row]});"
        "print(i.output_fn(i.predict_fn(i.input_fn(body, 'application/json'), m), '*/*')[0]);"
        "assert not {'winback', 'ml', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(model_dir)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert 0 < json.loads(done.stdout)["rows"][0]["churn_probability"] < 1


def test_the_training_script_runs_as_the_container_runs_it(rows: fitting.Rows, tmp_path: Path) -> None:
    source, channel, champion, model = (tmp_path / name for name in ("source", "train", "champion", "model"))
    for folder in (source, channel, champion):
        folder.mkdir()
    scripts = (train, inference, inputs, forecasters, trees, fitting, judging, lifetime)
    for path in (*(Path(str(script.__file__)) for script in scripts), *SHARED_CODE):
        (source / path.name).write_bytes(path.read_bytes())
    later = rows.cuts == rows.newest
    write_rows(rows.where(~later), channel)
    write_rows(rows.where(later), tmp_path / "test")
    before, _ = train.train(rows.where(~later))
    archives.save(before, {}, tmp_path / "before", train.SERVING)
    with tarfile.open(champion / "model.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "before", ".")  # members named ./model.json
    channels = {f"SM_CHANNEL_{name.upper()}": str(tmp_path / name) for name in ("train", "test", "champion")}
    subprocess.run(
        [sys.executable, "train.py", "--horizon", "91"],
        cwd=source,
        env={**channels, "SM_MODEL_DIR": str(model), "PATH": os.environ["PATH"]},
        check=True,
    )
    test = train.read_rows(tmp_path / "test")
    expected, judged = train.train(rows.where(~later), test, before)
    assert judged["accounts"]["examples"] == judged["against"]["champion"]  # one account: its file's name
    assert json.loads((model / "model.json").read_text()) == expected
    assert json.loads((model / "evaluation.json").read_text()) == judged
    assert set(judged["against"]) == {"champion", "model", *fitting.BASELINES} - {judged["serves"]}
    trees_alone = judged["against"].get("model", judged)  # the champion is made of the same rows, unjudged
    assert judged["against"]["champion"]["value"] == trees_alone["value"]
    assert (model / "code" / "inference.py").exists()


def test_a_champion_of_another_schema_is_not_compared_with(rows: fitting.Rows) -> None:
    _, judged = train.train(rows, rows.latest, {"schema_version": 1})
    assert "champion" not in judged["against"]


def write_rows(rows: fitting.Rows, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    lines = [",".join(("cut", "standing", *inputs.NAMES, "churned"))]
    for values, churned, cut, standing in zip(rows.values, rows.churned, rows.cuts, rows.standings, strict=True):
        cells = ("" if np.isnan(value) else repr(float(value)) for value in values)
        lines.append(",".join([cut, standing, *cells, str(int(churned))]))
    (folder / "examples.csv").write_text("\n".join(lines) + "\n")


def test_training_rows_without_a_needed_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("purchases,churned\n1,0\n")
    with pytest.raises(ValueError, match="silence_days"):
        train.read_rows(tmp_path)
    (tmp_path / "rows.csv").unlink()
    with pytest.raises(ValueError, match="no rows"):
        train.read_rows(tmp_path)


def test_a_missing_data_set_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make setup"):
        bootstrap.build(tmp_path, tmp_path / "absent.txt")


def test_the_models_fields_are_facts_of_the_contract_and_none_is_money() -> None:
    facts = {feature.name: feature for feature in FEATURES}
    assert all(facts[name].scored and facts[name].unit != "minor units" for name in inputs.NAMES)
    assert all(
        inputs.FIELDS[name].nullable or not facts[name].nullable or name.endswith("_days") for name in inputs.NAMES
    )
