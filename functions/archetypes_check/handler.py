"""How the training job of one account's run is: running, done or failed."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clients import patient
from winback.aws.trainings import job_state

logger = Logger()


@cache
def client() -> Any:
    return patient("sagemaker")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    state = job_state(client(), event["job"])
    logger.info("training job", extra={"run_id": event["run_id"], "state": state})
    return {"account_id": event["account_id"], "run_id": event["run_id"], "job": event["job"], "state": state.value}
