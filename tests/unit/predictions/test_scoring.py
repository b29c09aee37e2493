import json
from collections.abc import Callable

import pytest

from winback.predictions.churn import OPTIONAL
from winback.predictions.requests import EndpointUnavailable, InvalidAnswer, MissingFeature, RequestRefused
from winback.predictions.scoring import Source, score_part


def part(customers: int, **facts: int) -> list[dict[str, object]]:
    features = {
        "purchases": 2,
        "silence_days": 10,
        "span_days": 30,
        "purchases_last_91_days": 1,
        "purchases_last_182_days": 2,
        "lapse_days": 90,
        **dict.fromkeys(OPTIONAL),
    } | facts
    return [
        {"customer_key": f"{number:032x}", "features": {**features, "silence_days": number}}
        for number in range(customers)
    ]


class Endpoint:
    """Answers with silence_days / 10,000, except where a batch is told to fail."""

    def __init__(self, fails: Callable[[int], bool] = lambda call: False) -> None:
        self.calls = 0
        self._fails = fails

    def invoke(self, body: bytes) -> bytes:
        self.calls += 1
        if self._fails(self.calls):
            raise EndpointUnavailable("ThrottlingException")
        rows = [
            {"churn_probability": row["silence_days"] / 10_000, "reasons": [{"feature": "silence_days", "effect": 0.5}]}
            for row in json.loads(body)["rows"]
        ]
        return json.dumps({"schema_version": 2, "model_id": "churn-1", "rows": rows}).encode()


def test_every_customer_gets_its_own_score_and_its_source() -> None:
    scored = score_part(part(1200), Endpoint().invoke)
    assert [score.churn_probability for score in scored.scores] == [number / 10_000 for number in range(1200)]
    assert {score.source for score in scored.scores} == {Source.ENDPOINT}
    assert (scored.unscored, scored.failures) == (0, ())
    assert scored.scores[7].row() == {
        "customer_key": f"{7:032x}",
        "churn_probability": 0.0007,
        "source": "endpoint",
        "model_id": "churn-1",
        "reasons": [{"feature": "silence_days", "effect": 0.5}],
    }


def test_a_batch_without_an_answer_leaves_the_others_scored() -> None:
    scored = score_part(part(1200), Endpoint(fails=lambda call: call == 2).invoke)
    sources = [score.source for score in scored.scores]
    assert sources == [Source.ENDPOINT] * 500 + [Source.NONE] * 500 + [Source.ENDPOINT] * 200
    assert all(score.churn_probability is None and score.model_id is None for score in scored.scores[500:1000])
    assert scored.failures == ("ThrottlingException",)
    assert [score.customer_key for score in scored.scores] == [row["customer_key"] for row in part(1200)]


def test_a_dead_endpoint_is_not_asked_for_ever() -> None:
    endpoint = Endpoint(fails=lambda call: True)
    scored = score_part(part(5000), endpoint.invoke)
    assert scored.unscored == 5000
    assert endpoint.calls == 3


def test_a_slow_endpoint_is_asked_only_while_there_is_time_to_write_its_answers_down() -> None:
    endpoint = Endpoint()
    scored = score_part(part(5000), endpoint.invoke, seconds_left=lambda: 300 - 60 * endpoint.calls)
    assert endpoint.calls == 4
    assert (scored.unscored, scored.failures) == (3000, ("no time left",))


def test_a_failure_now_and_then_does_not_end_the_asking() -> None:
    scored = score_part(part(3000), Endpoint(fails=lambda call: call in (1, 4)).invoke)
    assert scored.unscored == 1000


def test_a_customer_without_a_purchase_is_not_asked_about() -> None:
    rows = part(3)
    rows[1] = {"customer_key": "f" * 32, "features": {"purchases": 0, "silence_days": None}}
    scored = score_part(rows, Endpoint().invoke)
    assert [score.source for score in scored.scores] == [Source.ENDPOINT, Source.NONE, Source.ENDPOINT]
    assert scored.scores[1].customer_key == "f" * 32


def test_an_empty_part_asks_nothing() -> None:
    endpoint = Endpoint()
    assert score_part([], endpoint.invoke).scores == ()
    assert endpoint.calls == 0


def refuse(body: bytes) -> bytes:
    raise RequestRefused("400")


@pytest.mark.parametrize(
    ("rows", "invoke", "error"),
    [
        (part(1), refuse, RequestRefused),
        (part(1), lambda body: b"{}", InvalidAnswer),
        ([{"customer_key": "0" * 32, "features": {"purchases": 1}}], Endpoint().invoke, MissingFeature),
    ],
)
def test_a_broken_contract_is_loud(
    rows: list[dict[str, object]], invoke: Callable[[bytes], bytes], error: type[Exception]
) -> None:
    with pytest.raises(error):
        score_part(rows, invoke)
