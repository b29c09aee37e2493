"""One sample request a kind of model, asked of an endpoint that was moved: does it answer, and as which model."""

import json

from winback.predictions.churn import CHURN_FEATURES, SCHEMA_VERSION, InvalidAnswer
from winback.predictions.kinds import Kind

_ROWS: dict[Kind, dict[str, object]] = {
    Kind.CHURN: dict.fromkeys(CHURN_FEATURES, 1),
}


def probe_request(kind: Kind) -> bytes:
    """A body of `application/json` with one row that the kind's contract takes."""
    return json.dumps({"schema_version": SCHEMA_VERSION, "rows": [_ROWS[kind]]}).encode()


def answered_model(answer: bytes) -> str:
    """The model id of an answer of any kind. Raises InvalidAnswer."""
    try:
        return str(json.loads(answer)["model_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"not an answer of a model's endpoint: {type(error).__name__}") from error
