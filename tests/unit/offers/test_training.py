"""The training script: what it learns, judges and serves, by the protocol that every kind of model follows."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml import SHARED_CODE
from ml.archive import read_champion
from ml.offer import inference, train
from ml.offer.bootstrap import build
from ml.offer.logged import UnusableData
from winback.predictions.kinds import Kind
from winback.predictions.promotion import Standing, judge, read_evaluation

ROW = {**dict.fromkeys(inference.NAMES, 1), "arms": "none|coupon"}
ML = Path(train.__file__).parents[1]


@pytest.fixture(scope="module")
def learned() -> train.Trained:
    """From a world where a coupon pays for the long silent alone."""
    return train.train(decisions(1, 900), decisions(2, 500), None)


def test_a_model_that_beats_every_baseline_is_served_and_would_be_promoted(learned: train.Trained) -> None:
    found = learned.evaluation
    assert found["serves"] == "model"
    assert all(found["against"][name]["better"] for name in ("best_single_arm", "nobody", "random"))
    assert found["test"]["rows"] == 500
    evaluation = read_evaluation(found)
    assert judge(evaluation, Kind.OFFER, Standing(None, None)).promote
    assert evaluation.model_id == learned.stored["model_id"]


def test_the_served_model_knows_whom_the_coupon_helps(learned: train.Trained) -> None:
    model = inference.model_from(json.loads(json.dumps(learned.stored)))
    rows = np.full((2, len(inference.NAMES)), 1.0)
    rows[:, inference.NAMES.index("silence_days")] = [20, 180]
    uplift, error = model.predict(rows)["coupon"]
    assert uplift[0] < 0.2
    assert uplift[1] > 0.5
    assert (error > 0).all()


def test_where_all_gain_alike_the_archive_serves_the_best_single_arm() -> None:
    trained = train.train(decisions(3, 480, varies=False), decisions(4, 480, varies=False), None)
    assert trained.evaluation["serves"] == trained.stored["serves"] == "best_single_arm"
    assert trained.evaluation["checks"]["best_single_arm"] == "coupon"
    assert trained.evaluation["against"]["best_single_arm"]["difference"] == 0
    uplift, _ = inference.model_from(trained.stored).predict(np.random.default_rng(0).random((5, 10)) * 100)["coupon"]
    assert np.ptp(uplift) == 0
    assert uplift[0] > 0


def test_where_nothing_works_the_archive_says_that_nothing_does_and_is_not_promoted() -> None:
    trained = train.train(decisions(5, 480, works=False), decisions(6, 480, works=False), None)
    assert trained.evaluation["serves"] == "nobody"
    assert {arm["average"] for arm in trained.stored["arms"].values()} == {0.0}
    assert not judge(read_evaluation(trained.evaluation), Kind.OFFER, Standing(None, None)).promote


def test_a_model_as_good_as_the_champion_does_not_take_its_place(learned: train.Trained) -> None:
    again = train.train(decisions(1, 900), decisions(2, 500), learned.stored)
    against = again.evaluation["against"]["champion"]
    assert (against["difference"], against["better"]) == (0, False)


def test_a_champion_of_another_schema_is_not_compared(learned: train.Trained) -> None:
    old = learned.stored | {"schema_version": 0}
    found = train.train(decisions(1, 300), decisions(2, 300), old).evaluation
    assert "champion" not in found["against"]
    assert "another request schema" in found["checks"]["champion"]


def test_without_later_rows_it_is_judged_on_held_out_customers_and_never_promoted() -> None:
    found = train.train(decisions(1, 480), None, None).evaluation
    assert (found["test"]["rows"], found["test"]["held_out_rows"]) == (0, 120)
    assert not judge(read_evaluation(found), Kind.OFFER, Standing(None, None)).promote


def test_an_arm_that_some_could_not_have_is_learned_from_the_others() -> None:
    rows = decisions(7, 480)
    barred = np.arange(len(rows)) % 3 == 0
    kept = ~(barred & (rows["arm"] == "coupon"))
    rows = rows.assign(
        eligible=np.where(barred, "no message|none", rows["eligible"]),
        propensity=np.where(barred, 1 / 2, rows["propensity"]),
    )[kept]
    trained = train.train(rows.reset_index(drop=True), decisions(8, 400), None)
    assert trained.evaluation["serves"] == "model"


def test_the_script_runs_flat_as_in_the_container(tmp_path: Path, learned: train.Trained) -> None:
    code, model = tmp_path / "code", tmp_path / "model"
    code.mkdir()
    for script in (*(ML / "offer").glob("*.py"), *SHARED_CODE):
        if script.name in ("__init__.py", "evaluate.py", "qini.py", "reading.py", "report.py"):
            continue
        copy(script, code)
    for channel, seed in (("train", 1), ("test", 2)):
        (tmp_path / channel).mkdir()
        decisions(seed, 300).to_csv(tmp_path / channel / "shop.csv", index=False)
    champion = tmp_path / "champion"
    champion.mkdir()
    (tmp_path / "model.json").write_text(json.dumps(learned.stored))
    with tarfile.open(champion / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "model.json", "model.json")
    channels = {f"SM_CHANNEL_{name.upper()}": str(tmp_path / name) for name in ("train", "test", "champion")}
    subprocess.run([sys.executable, "train.py"], cwd=code, check=True, env={**channels, "SM_MODEL_DIR": str(model)})
    assert sorted(path.relative_to(model).as_posix() for path in model.rglob("*.*")) == [
        "code/contract.py",
        "code/inference.py",
        "evaluation.json",
        "model.json",
    ]
    served = inference.model_fn(str(model))
    evaluation = json.loads((model / "evaluation.json").read_text())
    assert served.model_id == evaluation["model_id"]
    assert "champion" in evaluation["against"]


def test_rows_that_tell_nothing_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    assert train.read_rows(tmp_path) is None
    decisions(1, 60).drop(columns=["reward"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UnusableData, match="lacks the columns reward"):
        train.read_rows(tmp_path)
    decisions(1, 60).assign(reward="much").to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UnusableData, match="reward is not a number"):
        train.read_rows(tmp_path)
    decisions(1, 60).assign(arm="").to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UnusableData, match="is missing in a row"):
        train.read_rows(tmp_path)
    with pytest.raises(UnusableData, match="no row has the control"):
        train.train(decisions(1, 200).query("arm != 'no message'"), None, None)


def decisions(seed: int, size: int, *, varies: bool = True, works: bool = True) -> pd.DataFrame:
    """As training_rows.sql writes them; arms drawn evenly, so that each has propensity 1/3."""
    random = np.random.default_rng(seed)
    silence = random.integers(1, 200, size)
    arm = random.choice(["no message", "none", "coupon"], size)
    effect = np.where(silence > 100, 1.0, -0.4) if varies else np.full(size, 0.6)
    given: dict[str, Any] = {"coupon": effect, "none": np.full(size, 0.05), "no message": np.zeros(size)}
    reward = np.select([arm == name for name in given], list(given.values())) if works else np.zeros(size)
    facts = {name: random.integers(0, 5, size) for name in inference.NAMES}
    return pd.DataFrame(
        {
            "customer": np.arange(size),
            "arm": arm,
            "propensity": 1 / 3,
            "eligible": "coupon|no message|none",
            "reward": reward + random.normal(size=size) * 0.8,
            "cost": np.where(arm == "coupon", 0.1, np.where(arm == "none", 0.01, 0.0)),
            **facts,
            "silence_days": silence,
            "discount_share": np.where(random.random(size) < 0.5, np.nan, 0.5),
        }
    )


def test_a_new_deployment_s_model_knows_no_arm_and_gives_way_to_one_that_does(
    tmp_path: Path,
) -> None:
    first = build(tmp_path / "first").read_bytes()
    assert build(tmp_path / "again").read_bytes() == first
    champion = read_champion(tmp_path / "first")
    assert champion is not None
    asked = inference.SCHEMA.read(json.dumps({"schema_version": 1, "rows": [ROW]}), "application/json")
    answer = inference.output_fn(inference.predict_fn(asked, inference.model_from(champion)), "application/json")
    assert isinstance(answer, tuple)
    assert json.loads(answer[0])["rows"] == [{"arms": {"none": None, "coupon": None}}]
    evaluation = read_evaluation(train.train(decisions(1, 480), decisions(2, 400), champion).evaluation)
    assert judge(evaluation, Kind.OFFER, Standing(champion["model_id"], champion["model_id"])).promote
