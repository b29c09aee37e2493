import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from winback.identifiers import AccountId, CustomerKey
from winback.predictions.offers.contract import OFFER_FEATURES
from winback.predictions.offers.effects import NO_MESSAGE, NO_OFFER, Arm, Effect, EffectSource
from winback.predictions.offers.policy import Candidate, OfferRules, decide_offers
from winback.predictions.offers.records import DecisionRecord, DecisionSource, decisions_key, record_of
from winback.predictions.requests import MissingFeature

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
SHOP = AccountId("shop")


def test_a_record_says_what_was_considered_and_with_which_probability() -> None:
    kept = record(EffectSource.MODEL)
    assert (kept.arm, kept.propensity, kept.source, kept.model_id) == ("coupon", 0.96, DecisionSource.MODEL, "offer-1")
    assert [each.arm for each in kept.arms] == ["coupon", NO_MESSAGE, NO_OFFER]
    assert (kept.cost_minor, kept.spend_minor) == (11, 21)
    assert set(kept.features) == set(OFFER_FEATURES)
    nothing = kept.arms[1]
    assert (nothing.uplift, nothing.source, nothing.value_minor, nothing.propensity) == (None, None, 0, 0.02)


def test_a_record_comes_back_from_its_line() -> None:
    kept = record(EffectSource.PRIOR)
    assert DecisionRecord.from_row(json.loads(json.dumps(kept.row()))) == kept
    with pytest.raises(ValueError, match="record_version is 2"):
        DecisionRecord.from_row(kept.row() | {"record_version": 2})


def test_a_prior_is_never_recorded_as_learned() -> None:
    kept = record(EffectSource.PRIOR)
    assert (kept.source, kept.model_id) == (DecisionSource.PRIOR, None)
    assert {each.source for each in kept.arms} == {"prior", None}


def test_what_the_floor_drew_is_recorded_as_exploration() -> None:
    drawn = [record(EffectSource.MODEL, customer=f"c{n}", floor=0.3) for n in range(30)]
    explored = [each for each in drawn if each.source is DecisionSource.EXPLORATION]
    assert {each.arm for each in explored} == {"coupon", NO_MESSAGE, NO_OFFER}
    assert all(each.arm == "coupon" for each in drawn if each not in explored)


def test_a_record_whose_probabilities_do_not_fit_cannot_be_made() -> None:
    kept = record(EffectSource.MODEL)
    with pytest.raises(ValueError, match="no single propensity"):
        replace(kept, propensity=0.5)
    with pytest.raises(ValueError, match="add up to"):
        replace(kept, arms=kept.arms[:1])


def test_a_feature_that_the_model_needs_is_missed_at_once() -> None:
    with pytest.raises(MissingFeature, match="silence_days"):
        record(EffectSource.MODEL, features={"purchases": 1})


def test_objects_are_by_account_and_day() -> None:
    key = decisions_key(SHOP, date(2026, 5, 1), "lau-0123456789ab-1-00000")
    assert key == "decisions/account=shop/decided=2026-05-01/lau-0123456789ab-1-00000.jsonl.gz"


def record(
    source: EffectSource, *, customer: str = "c", floor: float = 0.02, features: dict[str, float] | None = None
) -> DecisionRecord:
    model_id = "offer-1" if source is EffectSource.MODEL else None
    effects = {NO_OFFER: Effect(0.01, 0.01, source, model_id), "coupon": Effect(0.1, 0.02, source, model_id)}
    arms = [Arm(NO_OFFER, channel_cost_minor=1), Arm("coupon", 10, 20, 1)]
    (decision,) = decide_offers(
        [Candidate(CustomerKey(customer), 1000, effects)], arms, OfferRules("salt", None, floor=floor), NOW
    )
    return record_of(
        decision,
        account_id=SHOP,
        decision_id="lau-0123456789ab-1",
        decided_at=NOW,
        currency="EUR",
        features=dict.fromkeys(OFFER_FEATURES, 1) if features is None else features,
    )
