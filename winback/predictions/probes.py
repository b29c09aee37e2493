"""One sample request a kind of model, asked of an endpoint that was moved: does it answer, and as which model."""

import json
from typing import Any

from winback.predictions import churn
from winback.predictions.kinds import Kind
from winback.predictions.offers import contract as offers
from winback.predictions.requests import InvalidAnswer
from winback.predictions.send_time import contract as send_time

_SAMPLES: dict[Kind, tuple[int, dict[str, Any]]] = {
    Kind.CHURN: (churn.SCHEMA_VERSION, dict.fromkeys(churn.CHURN_FEATURES, 1)),
    Kind.OFFER: (offers.SCHEMA_VERSION, {**dict.fromkeys(offers.OFFER_FEATURES, 1), "arms": "a sample arm"}),
    Kind.SEND_TIME: (
        send_time.SCHEMA_VERSION,
        {"account": "a-sample", "segment": None, "opened": [9, 1.5, 1], "clicked": [], "ordered": []},
    ),
}


def probe_request(kind: Kind) -> bytes:
    """A body of `application/json` with one row that the kind's contract takes."""
    version, row = _SAMPLES[kind]
    return json.dumps({"schema_version": version, "rows": [row]}).encode()


def answered_model(answer: bytes) -> str:
    """The model id of an answer of any kind. Raises InvalidAnswer."""
    try:
        return str(json.loads(answer)["model_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"not an answer of a model's endpoint: {type(error).__name__}") from error
