"""The training job: its files, its judgement, and its scripts as the container runs them."""

import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ml
from ml.send_time import inference, train
from ml.send_time.histories import Events
from ml.send_time.inference import HISTOGRAM, KINDS, MODEL
from tests.unit.send_time.send_time_readers import readers
from winback.predictions.promotion import read_evaluation

SEED = 1


def later(events: Events) -> Events:
    return replace(events, weeks_ago=events.weeks_ago - events.weeks_ago.max() - 0.01)


@pytest.fixture(scope="module")
def judged() -> train.Trained:
    return train.train(readers(120, 20, own=0.6, seed=1), later(readers(120, 4, own=0.6, seed=2)), None, SEED)


def test_the_model_is_served_where_it_beats_the_histogram_beyond_chance(judged: train.Trained) -> None:
    evaluation = read_evaluation(judged.evaluation)
    assert evaluation.serves == judged.stored["serves"] == MODEL
    assert evaluation.against[HISTOGRAM].better
    assert evaluation.against["uniform"].better
    assert evaluation.value < (evaluation.against[HISTOGRAM].value or 0)
    assert evaluation.test.rows == 480
    assert evaluation.model_id == judged.stored["model_id"]
    assert sum(evaluation.reference["opened"].shares) == pytest.approx(1)


def test_the_histogram_is_served_where_customers_have_no_hours_of_their_own() -> None:
    found = train.train(readers(80, 16, own=0.0, seed=3), later(readers(80, 4, own=0.0, seed=4)), None, SEED)
    assert found.stored["serves"] == found.evaluation["serves"] == HISTOGRAM
    model = inference.model_from(found.stored)
    assert model.serves == HISTOGRAM


def test_a_champion_is_judged_by_its_own_half_life_on_the_same_events(judged: train.Trained) -> None:
    known, test = readers(120, 20, own=0.6, seed=1), later(readers(120, 4, own=0.6, seed=2))
    worse = json.loads(json.dumps(judged.stored))
    worse["learned"]["strength"] = 1e5
    again = train.train(known, test, judged.stored, SEED).evaluation
    assert again["against"]["champion"]["difference"] == 0
    assert not again["against"]["champion"]["better"]
    better = train.train(known, test, worse, SEED).evaluation
    assert better["against"]["champion"]["better"]
    assert better["accounts"]["brand"]["better"]


def test_a_champion_of_another_form_is_named_and_not_compared(judged: train.Trained) -> None:
    known, test = readers(30, 20, own=0.6, seed=1), later(readers(30, 4, own=0.6, seed=2))
    found = train.train(known, test, {**judged.stored, "schema_version": 7}, SEED).evaluation
    assert "champion" not in found["against"]
    assert "not compared" in found["checks"]["champion"]


def test_without_test_rows_nothing_can_be_promoted_on_it() -> None:
    found = train.train(readers(60, 20, own=0.6, seed=1), None, None, SEED).evaluation
    assert found["test"]["rows"] == 0
    assert "latest quarter" in found["checks"]["judged_on"]


def test_strengths_are_learned_from_the_training_rows_alone(judged: train.Trained) -> None:
    other = later(readers(120, 4, own=0.0, seed=9))
    found = train.train(readers(120, 20, own=0.6, seed=1), other, None, SEED)
    assert {**found.stored, "serves": ""} == {**judged.stored, "serves": ""}


def test_answers_weigh_no_more_than_the_bound() -> None:
    known = readers(2, 1, own=1.0, seed=1)
    heavy = replace(known, weight=np.array([1e9, 1.0]))
    learned = inference.Learned(1.0, 10.0, 0.0, 0.0, (1.0, 1.0, 1.0))
    assert inference.worth_of(heavy.evidence(), learned).max() <= inference.COUNTED_WEIGHT


def write_rows(folder: Path, events: Events) -> Path:
    folder.mkdir(parents=True)
    lines = [",".join(train.COLUMNS)]
    for customer, kind, hour, weeks, weight in zip(
        events.customer, events.kind, events.hour, events.weeks_ago, events.weight, strict=True
    ):
        segment = "Champions" if customer % 2 else ""
        lines.append(f"brand,{customer},{segment},{KINDS[kind]},{hour},{weeks:.3f},{weight:g}")
    (folder / "brand.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_scripts_run_as_the_container_runs_them(tmp_path: Path) -> None:
    """Flat in one folder, with nothing of ours but their neighbours to import."""
    code, home = tmp_path / "code", Path(ml.__file__).parent
    code.mkdir()
    for path in (*(home / "send_time").glob("*.py"), *ml.SHARED_CODE):
        (code / path.name).write_bytes(path.read_bytes())
    known = write_rows(tmp_path / "train", readers(60, 12, own=0.6, seed=1))
    test = write_rows(tmp_path / "test", later(readers(60, 4, own=0.6, seed=2)))
    here, model, champion = tmp_path / "here", tmp_path / "model", tmp_path / "champion"
    train.main(["--train", str(known), "--test", str(test), "--model-dir", str(here)])
    champion.mkdir()
    with tarfile.open(champion / "model.tar.gz", "w:gz") as archive:
        archive.add(here, arcname=".")
    arguments = ["--train", known, "--test", test, "--champion", champion, "--model-dir", model]
    runner = f"import runpy, sys; sys.path.insert(0, {str(code)!r}); runpy.run_path('train.py', run_name='__main__')"
    command = [sys.executable, "-I", "-c", runner, *map(str, arguments)]
    done = subprocess.run(command, cwd=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    evaluation = json.loads((model / "evaluation.json").read_text())
    assert evaluation["against"]["champion"]["difference"] == 0
    assert evaluation["model_id"] == json.loads((here / "model.json").read_text())["model_id"]
    assert sorted(path.name for path in (model / "code").iterdir()) == ["contract.py", "inference.py"]
    assert inference.model_fn(model).segments.keys() == {("brand", "Champions")}


@pytest.mark.parametrize(
    ("column", "value"), [("hour", "168"), ("kind", "visited"), ("weight", "-1"), ("weeks_ago", "soon")]
)
def test_rows_of_another_form_are_refused(tmp_path: Path, column: str, value: str) -> None:
    values = ["brand", "1", "", "opened", "3", "1", "1"]
    row = dict(zip(train.COLUMNS, values, strict=True)) | {column: value}
    (tmp_path / "rows.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    with pytest.raises(ValueError, match=column):
        train.read_events(tmp_path, None)


def test_no_rows_are_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no training rows"):
        train.read_events(tmp_path, None)
