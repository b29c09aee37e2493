"""From decisions to a model: what is decided, logged and bought teaches the next model what the offers changed."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from ml.offer import train
from tests.unit.filling import insert
from winback.identifiers import AccountId, CustomerKey
from winback.predictions.offers.contract import OFFER_FEATURES
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Arm
from winback.predictions.offers.policy import Candidate, OfferRules, decide_offers
from winback.predictions.offers.priors import prior_effects
from winback.predictions.offers.records import record_of
from winback.predictions.offers.training_rows import create_decisions, write_train_and_test

START = datetime(2026, 1, 1, tzinfo=UTC)
ARMS = [Arm(NO_OFFER, channel_cost_minor=1), Arm("coupon", 50, 200, 1)]
EFFECTS = {NO_MESSAGE: 0.0, NO_OFFER: 0.1, "coupon": 1.0}  # in purchase margins
MARGIN = 1000


def test_a_model_learns_from_what_the_priors_explored(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    with duckdb.connect() as lake:
        lake.execute(
            "CREATE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, "
            "currency VARCHAR, cost_minor BIGINT)"
        )
        create_decisions(lake, [written(lake, tmp_path, wave, random) for wave in (0, 45)])
        for folder in ("train", "test"):
            (tmp_path / folder).mkdir()
        rows = write_train_and_test(
            lake,
            until=START + timedelta(days=90),
            train=tmp_path / "train" / "shop.csv",
            test=tmp_path / "test" / "shop.csv",
        )
    assert (rows.train_rows, rows.test_rows) == (450, 450)
    table, test = train.read_rows(tmp_path / "train"), train.read_rows(tmp_path / "test")
    assert table is not None
    trained = train.train(table, test, None)
    assert trained.evaluation["checks"]["best_single_arm"] == "coupon"
    assert trained.evaluation["serves"] == "best_single_arm"
    coupon = trained.stored["arms"]["coupon"]
    assert abs(coupon["average"] - EFFECTS["coupon"]) < 3 * coupon["average_error"]
    assert all(0.7 < weight < 1.3 for weight in trained.evaluation["checks"]["mean_weight"].values())


def written(lake: duckdb.DuckDBPyConnection, folder: Path, day: int, random: np.random.Generator) -> Path:
    """450 decisions of that day by priors with a generous floor, and the orders that followed."""
    decided_at = START + timedelta(days=day)
    effects = prior_effects("Mass", "At Risk", [NO_OFFER, "coupon"])
    candidates = [Candidate(CustomerKey(f"c{n}"), MARGIN, effects) for n in range(450)]
    decisions = decide_offers(candidates, ARMS, OfferRules(f"salt{day}", None, floor=0.25), decided_at)
    lines, bought = [], []
    for decision in decisions:
        features = dict.fromkeys(OFFER_FEATURES, 1) | {"silence_days": int(random.integers(1, 200))}
        record = record_of(
            decision,
            account_id=AccountId("shop"),
            decision_id=f"day-{day}",
            decided_at=decided_at,
            currency="EUR",
            features=features,
        )
        lines.append(json.dumps(record.row()))
        margin = round(MARGIN * (1 + EFFECTS[decision.arm] + 0.5 * random.normal()))
        at = (decided_at + timedelta(days=3)).replace(tzinfo=None)
        bought.append((f"{decision.customer_key}-{day}", decision.customer_key, at, margin + 500, "EUR", 500))
    insert(lake, "orders", bought)
    path = folder / f"decisions-{day}.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path
