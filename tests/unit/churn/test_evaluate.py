import json
from typing import Any

import pytest

from ml.churn import evaluate
from ml.churn.card import render
from ml.churn.examples import Purchases
from ml.churn.inference import ChurnModel


@pytest.fixture(scope="module")
def fresh(cdnow: Purchases) -> dict[str, Any]:
    return evaluate.evaluate(cdnow, splits={"test": evaluate.TEST}, draws=100)


def test_the_model_is_better_than_recency_alone_beyond_chance(fresh: dict[str, Any]) -> None:
    gains = fresh["splits"]["test"]["model_minus_recency"]
    assert gains["auc"]["low"] > 0
    assert gains["log_loss"]["high"] < 0
    assert gains["brier"]["high"] < 0


def test_the_served_model_is_the_evaluated_one(fresh: dict[str, Any], model: ChurnModel) -> None:
    assert fresh["splits"]["test"]["model_id"] == model.model_id


def test_the_card_shows_the_figures_of_this_code(fresh: dict[str, Any]) -> None:
    stored = json.loads(evaluate.CARD_FIGURES.read_text())
    for forecast, scores in stored["splits"]["test"]["scores"].items():
        assert scores == pytest.approx(fresh["splits"]["test"]["scores"][forecast], abs=2e-3)
    assert evaluate.CARD.read_text() == render(stored)


def test_the_terminal_table_names_what_is_not_shown(fresh: dict[str, Any]) -> None:
    assert "better" in evaluate.table(fresh)
    worse = json.loads(json.dumps(fresh))
    worse["splits"]["test"]["model_minus_recency"]["auc"]["better"] = False
    assert "not shown to be better" in evaluate.table(worse)
