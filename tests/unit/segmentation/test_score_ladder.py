"""What a customer's score is when the endpoint gave none, and that it says so."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from winback.segmentation.score_ladder import MOST_DAYS, Ladder, organic_shares, settle_scores

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BOUGHT = datetime(2026, 4, 2)
REASON = {"feature": "silence_ratio", "effect": 0.7}


class World:
    """One customer of `computed`, k, and what there is to score it by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect(config={"threads": 1})
        self.returns: dict[str, float] = {}
        self.previous: tuple[Path, datetime] | None = None
        self.scores: list[Path] = []
        self.computed()

    def computed(self, silence: int | None = 60, lapse: int | None = 30) -> None:
        self.connection.execute(
            "CREATE OR REPLACE VIEW computed AS SELECT 'k' AS customer_key, 'Slipping VIPs' AS segment, "
            f"{silence or 'NULL'}::INTEGER AS silence_days, {lapse or 'NULL'}::INTEGER AS lapse_days, "
            f"TIMESTAMP '{BOUGHT}' AS last_purchase_at"
        )

    def answered(self, probability: float | None, model_id: str | None = "churn-2") -> None:
        row = {"customer_key": "k", "churn_probability": probability, "source": "endpoint", "model_id": model_id}
        path = self.folder / "part.jsonl.gz"
        path.write_bytes(gzip.compress(json.dumps({**row, "reasons": [REASON]}).encode()))
        self.scores = [path]

    def before(
        self,
        *,
        days: int = 1,
        source: str = "endpoint",
        bought: datetime = BOUGHT,
        scored: int | None = None,
        old: bool = False,
    ) -> None:
        """A snapshot of `days` ago; `scored`: how many days ago its score was made. `old`: of before reasons."""
        path = self.folder / "previous.parquet"
        moment = (NOW - timedelta(days=days if scored is None else scored)).replace(tzinfo=None)
        newer = "" if old else f", [{REASON}] AS churn_reasons, TIMESTAMP '{moment}' AS scored_at"
        self.connection.sql(
            f"SELECT 'k' AS customer_key, TIMESTAMP '{bought}' AS last_purchase_at, 0.4 AS churn_probability, "
            f"'{source}' AS score_source, 'churn-1' AS model_id {newer}"
        ).write_parquet(str(path))
        self.previous = (path, NOW - timedelta(days=days))

    def settle(self) -> dict[str, Any]:
        settle_scores(self.connection, scores=self.scores, ladder=Ladder(NOW, self.returns), previous=self.previous)
        found = self.connection.execute("SELECT * FROM scored")
        names = [column[0] for column in found.description or ()]
        (row,) = found.fetchall()
        return dict(zip(names, row, strict=True))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_endpoints_answer_comes_first(world: World) -> None:
    world.answered(0.123456)
    world.before()
    world.returns = {"Slipping VIPs": 0.36}
    assert world.settle() == {
        "customer_key": "k",
        "churn_probability": 0.1235,
        "score_source": "endpoint",
        "model_id": "churn-2",
        "churn_reasons": [REASON],
        "scored_at": NOW.replace(tzinfo=None),
    }


@pytest.mark.parametrize("gone", ["no file", "no answer"])
def test_without_an_answer_the_last_score_holds_with_its_model_and_its_date(world: World, gone: str) -> None:
    if gone == "no answer":
        world.answered(None, None)
    world.before(days=1, scored=8)
    found = world.settle()
    assert (found["churn_probability"], found["score_source"], found["model_id"]) == (0.4, "last_scores", "churn-1")
    assert found["churn_reasons"] == [REASON]
    assert found["scored_at"] == (NOW - timedelta(days=8)).replace(tzinfo=None)


def test_a_last_score_is_handed_on_until_it_is_too_old(world: World) -> None:
    world.before(source="last_scores", scored=MOST_DAYS)
    assert world.settle()["score_source"] == "last_scores"
    world.before(source="last_scores", scored=MOST_DAYS + 1)
    assert world.settle()["score_source"] == "heuristic"


def test_a_purchase_ends_what_was_scored_before_it(world: World) -> None:
    world.before(bought=BOUGHT - timedelta(days=20))
    assert world.settle()["score_source"] == "heuristic"


@pytest.mark.parametrize("source", ["heuristic", "none"])
def test_a_rules_score_is_never_handed_on_as_a_models(world: World, source: str) -> None:
    world.before(source=source)
    found = world.settle()
    assert (found["score_source"], found["model_id"], found["scored_at"]) == ("heuristic", None, None)


def test_a_snapshot_of_before_reasons_still_gives_last_scores(world: World) -> None:
    world.before(days=3, old=True)
    found = world.settle()
    assert (found["score_source"], found["churn_reasons"]) == ("last_scores", None)
    assert found["scored_at"] == (NOW - timedelta(days=3)).replace(tzinfo=None)


def test_the_rule_is_the_segments_own_return_and_else_the_silence(world: World) -> None:
    world.returns = {"Slipping VIPs": 0.36}
    assert world.settle()["churn_probability"] == 0.64
    world.returns = {"Champions": 0.5}
    found = world.settle()
    assert found["churn_probability"] == pytest.approx(2 / 3, abs=1e-4)  # silent for twice the own threshold
    assert (found["score_source"], found["churn_reasons"], found["model_id"]) == ("heuristic", None, None)


def test_where_nothing_is_known_there_is_no_score(world: World) -> None:
    world.computed(silence=None)
    found = world.settle()
    assert (found["churn_probability"], found["score_source"]) == (None, "none")


def test_shares_of_too_few_customers_are_no_return() -> None:
    rows = [
        {"segment": "Champions", "organic": {"share": 0.5}},
        {"segment": "Rising", "organic": {"share": None}},
        {"segment": "Loyal", "organic": None},
    ]
    assert organic_shares(rows) == {"Champions": 0.5}
