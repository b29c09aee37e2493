"""Trees of plain arrays say what scikit-learn says, and their reasons add up."""

import json
from itertools import pairwise

import numpy as np
import pytest

from ml.churn import fitting, forecasters, inputs, trees
from ml.churn.inference import ChurnModel


def example(seed: int = 3, size: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `INPUTS` with values missing, and outcomes that depend on them, on missing ones too."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 40, (size, len(inputs.INPUTS))).astype(float)
    values[random.random(values.shape) < 0.2] = np.nan
    risk = np.nan_to_num(values[:, 1], nan=50) / 40 - np.nan_to_num(values[:, 3], nan=0) / 40
    return values, (risk + random.normal(0, 0.3, size) > 0.5).astype(float)


@pytest.mark.parametrize("size", [25, 600, 5000])
def test_plain_trees_predict_exactly_what_scikit_learn_predicts(size: int) -> None:
    values, churned = example(size=size)
    model = fitting.boosted(size).fit(values, churned)
    plain = trees.load(json.loads(json.dumps(fitting.export(model))), len(inputs.INPUTS))
    fresh, _ = example(seed=4, size=500)
    fresh[0], fresh[1], fresh[2] = np.nan, 1e9, 0.0
    on_a_threshold = np.vstack([fresh, *(np.full_like(fresh[0], split.thresholds[0]) for split in plain.splits)])
    assert np.array_equal(plain.sums(on_a_threshold), model.decision_function(on_a_threshold))
    assert plain.sums(fresh[:1])[0] == model.decision_function(fresh[:1])[0]
    probability = forecasters.Calibration().probabilities(plain.sums(fresh))
    assert probability == pytest.approx(model.predict_proba(fresh)[:, 1], abs=1e-15)


def test_contributions_add_up_from_the_expectation_to_the_sum() -> None:
    values, churned = example()
    plain = trees.load(fitting.export(fitting.boosted(600).fit(values, churned)), len(inputs.INPUTS))
    moved = plain.contributions(values)
    assert plain.expectation + moved.sum(axis=1) == pytest.approx(plain.sums(values), abs=1e-9)
    assert np.abs(moved).mean(axis=0)[[1, 3]].min() > 10 * np.abs(moved).mean(axis=0)[[5, 6, 7]].max()


def test_longer_silence_never_lowers_the_probability(model: ChurnModel) -> None:
    for purchases, span in ((1, 0), (2, 30), (6, 300), (20, 400)):
        row = {**dict.fromkeys(inputs.NAMES, np.nan), "purchases": purchases, "span_days": span, "lapse_days": 90}
        row |= {"purchases_last_91_days": 0, "purchases_last_182_days": 0}
        rows = np.array([[{**row, "silence_days": days}[name] for name in inputs.NAMES] for days in range(0, 700, 7)])
        assert all(earlier <= later for earlier, later in pairwise(model.predict(rows.astype(float)).tolist()))


@pytest.mark.parametrize(
    "spoil",
    [
        {"feature": [99, -1, -1]},
        {"left": [0, 1, 2]},
        {"value": [0.0]},
        {"feature": [0] * 9 + [-1] * 9},
    ],
)
def test_a_broken_tree_is_not_loaded(spoil: dict[str, list[float]]) -> None:
    tree = {
        "feature": [0, -1, -1],
        "threshold": [1.5, 0.0, 0.0],
        "missing_left": [1, 0, 0],
        "left": [1, 0, 0],
        "right": [2, 0, 0],
        "value": [0.0, -0.5, 0.5],
        "count": [10, 4, 6],
    }
    whole = trees.load({"base": 0.25, "trees": [tree]}, 2)
    assert whole.sums(np.array([[1.5, 0], [1.6, 0], [np.nan, 0]])).tolist() == [-0.25, 0.75, -0.25]
    assert whole.expectation == pytest.approx(0.25 + 0.1)
    with pytest.raises(ValueError, match=r"tree|child|lists"):
        trees.load({"base": 0.25, "trees": [{**tree, **spoil}]}, 2)
