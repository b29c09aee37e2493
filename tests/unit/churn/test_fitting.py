"""The baselines, the calibration, and which of all is served."""

from datetime import timedelta

import duckdb
import numpy as np
import pytest

from ml import metrics
from ml.churn import datasets, examples, fitting, forecasters, inference, inputs, judging, lifetime, train
from winback.predictions.lifetime.histories import count_histories
from winback.predictions.lifetime.purchases import Kind, PurchaseModel, fit_purchases, purchase_model


def row(**facts: float) -> np.ndarray:
    given = {**dict.fromkeys(inputs.NAMES, np.nan), "lapse_days": 90.0, **facts}
    return np.array([[given[name] for name in inputs.NAMES]])


@pytest.mark.parametrize(("kind", "modified"), [(Kind.BG_NBD, False), (Kind.MBG_NBD, True)])
def test_the_containers_fit_finds_the_parameters_of_the_products_own(
    cdnow: duckdb.DuckDBPyConnection, kind: Kind, modified: bool
) -> None:
    found = examples.rows_at(cdnow, datasets.CDNOW_END - timedelta(days=91))
    some = found.where(np.arange(len(found)) % 10 == 0)
    x, t_x, age = forecasters.history(some.values)
    parameters = lifetime.fit(lifetime.Histories.count(x, t_x, age), modified=modified)
    days = [np.rint(column * 7).astype(np.int64) for column in (t_x, age)]
    histories, place = count_histories(x.astype(np.int64), *days)
    own = purchase_model(kind, fit_purchases(kind, histories))
    assert parameters == pytest.approx({"r": own.r, "alpha": own.alpha, "a": own.a, "b": own.b}, rel=0.02)
    exact = {"r": own.r, "alpha": own.alpha, "a": own.a, "b": own.b}
    theirs = (histories.repeats.astype(float), histories.recency, histories.age)
    if modified:
        alive = own.p_alive(*theirs)[place]
        assert forecasters.p_dead(some.values, exact) == pytest.approx(1 - alive, abs=1e-9)
    else:
        expected = own.expected(*theirs, 13.0)[place]
        assert forecasters.fewer_expected(some.values, exact, 91) == pytest.approx(-expected, rel=1e-6)


def test_a_customer_of_one_purchase_is_alive_for_certain_only_in_bg_nbd() -> None:
    parameters = {"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}
    once = row(purchases=1, silence_days=300, span_days=0)
    assert 0 < forecasters.p_dead(once, parameters)[0] < 1
    x, t_x, age = forecasters.history(once)
    assert forecasters.dead_odds(x, t_x, age, parameters, x)[0] == 0
    model = PurchaseModel(Kind.BG_NBD, **parameters)
    assert forecasters.fewer_expected(once, parameters, 91)[0] == pytest.approx(-model.expected(x, t_x, age, 13.0)[0])


def test_the_last_interval_is_the_silence_in_own_gaps_or_the_accounts() -> None:
    thrice = row(purchases=3, silence_days=60, span_days=40)
    once = row(purchases=1, silence_days=60, span_days=0)
    assert forecasters.last_interval(thrice, 30.0)[0] == 3
    assert forecasters.last_interval(once, 30.0)[0] == 2


def test_few_repeat_buyers_leave_the_purchase_models_out(rows: fitting.Rows) -> None:
    once = rows.where(inputs.column(rows.values, "purchases") == 1)
    assert set(fitting.fit_baselines(once, 91)) == {"recency", "last_interval", "logistic"}


def overconfident(size: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    odds = random.normal(0, 1, size)
    return 3 * odds + 1, (random.random(size) < 1 / (1 + np.exp(-odds))).astype(float)


def test_overconfident_scores_are_calibrated_and_a_sigmoid_finds_how_much() -> None:
    scores, churned = overconfident()
    chosen = fitting.choose_calibration(scores, churned)
    assert chosen["method"] != "none"
    assert chosen["tried"]["sigmoid"] < chosen["tried"]["none"] - 0.1
    slope = metrics.calibration_line(forecasters.Calibration.load(chosen).probabilities(scores), churned)[1]
    assert slope == pytest.approx(1, abs=0.1)
    sigmoid = fitting.fit_sigmoid(scores, churned)
    assert (sigmoid["slope"], sigmoid["intercept"]) == pytest.approx((1 / 3, -1 / 3), abs=0.05)


def test_a_bent_relation_gets_an_isotonic_fit_that_is_never_certain() -> None:
    random = np.random.default_rng(5)
    scores = random.uniform(-3, 3, 6000)
    churned = (random.random(6000) < np.where(scores > 0, 0.95, 0.05)).astype(float)
    chosen = fitting.choose_calibration(scores, churned)
    assert chosen["method"] == "isotonic"
    probabilities = forecasters.Calibration.load(chosen).probabilities(np.array([-99.0, -1, 1, 99]))
    assert np.all(np.diff(probabilities) >= 0)
    assert 0 < probabilities[0] < probabilities[-1] < 1


def test_a_baseline_is_served_only_when_it_is_better_beyond_chance() -> None:
    random = np.random.default_rng(8)
    truth = random.uniform(0.05, 0.95, 2000)
    outcome = (random.random(2000) < truth).astype(float)
    losses = {name: metrics.log_losses(p, outcome) for name, p in (("model", truth), ("recency", 0.5 + 0 * truth))}
    assert judging.choose(losses) == "model"
    assert judging.choose({"model": losses["recency"], "recency": losses["model"]}) == "recency"
    hardly = {"model": losses["model"], "recency": losses["model"] - 1e-5 * random.normal(1, 50, 2000)}
    assert judging.choose(hardly) == "model"


def test_a_winning_baseline_is_what_the_files_say_and_serve(
    rows: fitting.Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    worthless = {"kind": "gradient_boosting", "forecaster": {"base": 0.0, "trees": []}}
    monkeypatch.setattr(
        fitting, "fit_trees", lambda rows, days: {**worthless, "calibration": fitting.fit_none(rows, rows)}
    )
    model, evaluation = train.train(rows, rows.latest)
    assert evaluation["serves"] == model["kind"] != "gradient_boosting"
    assert evaluation["model_id"] == model["model_id"]
    assert evaluation["against"]["model"]["better"]
    assert all(found["value"] >= evaluation["value"] for found in evaluation["against"].values())
    served = inference.model_from(model)
    assert np.all((served.predict(rows.values) > 0) & (served.predict(rows.values) < 1))
    assert all(len(found) <= 2 for found in served.reasons(rows.values[:20], 2))


@pytest.fixture(scope="module")
def baselines(rows: fitting.Rows) -> dict[str, fitting.Fitted]:
    return fitting.fit_baselines(rows, 91)


@pytest.mark.parametrize("name", fitting.BASELINES)
def test_every_baseline_can_be_served_from_its_file(
    rows: fitting.Rows, baselines: dict[str, fitting.Fitted], name: str
) -> None:
    model = inference.model_from(train.stored(baselines[name], rows, 91))
    probabilities = model.predict(rows.values)
    assert np.all((probabilities > 0) & (probabilities < 1))
    assert metrics.score(metrics.Forecast.of(probabilities), rows.churned)["auc"] > 0.65
    assert all(reason["feature"] in model.forecaster.names for reason in model.reasons(rows.values[:1], 3)[0])


def test_one_outcome_alone_teaches_nothing(rows: fitting.Rows) -> None:
    with pytest.raises(ValueError, match="one outcome"):
        fitting.fit_trees(rows.where(rows.churned == 1), 91)


def test_the_references_of_drift_cover_every_field(rows: fitting.Rows) -> None:
    _, evaluation = train.train(rows)
    assert set(evaluation["reference"]) == set(inputs.NAMES)
    assert all(len(found["shares"]) == len(found["edges"]) + 2 for found in evaluation["reference"].values())
    assert evaluation["reference"]["engagement"]["shares"][-1] == 1  # CDNOW knows of none


def test_scores_that_are_all_the_same_are_calibrated_without_a_sigmoid() -> None:
    churned = (np.arange(80) % 3 == 0).astype(np.float64)
    chosen = fitting.choose_calibration(np.full(80, 0.3), churned)
    assert set(chosen["tried"]) == {"none", "isotonic"}
    assert all(np.isfinite(loss) for loss in chosen["tried"].values())
