"""Moves a kind's endpoint to a model and, when that does not work, back again.

The order of the writes, so that whatever is killed, retried or refused leaves one whole champion:

1. The model that serves and the one that is to serve are both under `{kind}/models/`, where nothing changes any more.
2. The claim names the configuration to go back to, before anything of the endpoint is touched.
3. Model and endpoint configuration, named by the run, so that a repeated attempt finds its own; they serve the *kept*
   version. Were they to serve the champion's key, an instance started later by autoscaling would load whatever lies
   there then.
4. UpdateEndpoint, with automatic rollback while the endpoint's alarm is watched. The old fleet serves until the new one
   does.
5. Only when the new configuration is in service, and the endpoint answers with the new model's id: the champion's key.
6. The run's outcome and the end of the claim, in one transaction.

Killed before 4: nothing has changed for anybody. Between 4 and 5: the endpoint serves the new model and the champion's
key has the old one, until the workflow's retry goes on. A failure in 3 to 5 goes back to the claim's configuration; the
champion's key was not touched. A failure in 6 goes back, too, and writes the old champion's key again first: the
configuration of a deployment serves whatever lies on that key when its containers start.

UpdateEndpoint and its rollback, serverless endpoints included:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.model_runs import Promotion, Run, RunState, RunStore
from winback.aws.models import ModelBucket, kept_key
from winback.instants import format_instant
from winback.predictions.kinds import Kind
from winback.predictions.requests import EndpointUnavailable, InvalidAnswer, RequestRefused

MOST_SECONDS = 3600  # of a whole update; SageMaker goes back when it takes longer
WAY_BACK = "model_roll_back"
"""The step that the workflow names when moving an endpoint back failed."""
KEPT_ROLLOUTS = 3
"""Of so many runs the model and the configuration stay, besides those in service; the archives all stay."""
_RETIRED_AT_ONCE = 10
_BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
_BROKEN = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed", "Deleting"})

Probe = Callable[[], str]
"""Asks the endpoint about a sample row; returns the model id of the answer."""


class EndpointBroken(RuntimeError):
    """The endpoint is in a state that no update helps: an operator has to (docs/runbook.md)."""


class ChampionChanged(RuntimeError):
    """What the run was to replace is not the champion any more: its comparison, or its wish, was about another."""


class State(StrEnum):
    UPDATING = "updating"
    SERVING = "serving"
    FAILED = "failed"
    """The new model does not serve; the endpoint is to be moved back."""
    BACK = "back"
    """The old model serves as before."""
    RETIRED = "retired"
    """What earlier runs left in SageMaker is gone."""


@dataclass(frozen=True)
class Answer:
    state: State
    reason: str | None = None


@dataclass(frozen=True)
class Guard:
    """What SageMaker watches while it moves an endpoint."""

    alarm: str
    bake_seconds: int


@dataclass(frozen=True)
class Rollout:
    """One kind's endpoint."""

    kind: Kind
    endpoint: str
    sagemaker: Any
    bucket: ModelBucket
    store: RunStore
    probe: Probe
    guard: Guard

    def forward(self, run: Run, now: datetime) -> Answer:
        """One step towards the run's model; asked again and again until it is no longer `updating`.

        Raises PromotionElsewhere, ChampionChanged, UnknownModel, EndpointBroken.
        """
        model_id = run.model_id
        if model_id is None:
            raise LookupError(f"run {run.run_id} of {self.kind} names no model")
        self.bucket.kept(self.kind, model_id)
        described = self._describe()
        if described["EndpointStatus"] in _BUSY and self.store.promotion(self.kind) is None:
            return Answer(State.UPDATING)  # a deployment moves it: what there is to go back to is known afterwards
        claim = self._claim(run, model_id, described["EndpointConfigName"], now)
        target = self._name(run)
        if described["EndpointStatus"] in _BUSY:
            return Answer(State.UPDATING)
        if described["EndpointConfigName"] == target and described["EndpointStatus"] == "InService":
            return self._probed(model_id)
        if claim.asked:
            reason = described.get("FailureReason") or f"the alarm {self.guard.alarm} or the new fleet's start failed"
            return Answer(State.FAILED, f"SageMaker went back to the old configuration: {reason}")
        self._create(target, model_id, like=claim.from_config)
        self._update(target, watched=run.watched)
        self.store.set_asked(self.kind, claim)
        return Answer(State.UPDATING)

    def back(self, run: Run) -> Answer:
        """One step back to what served before; `back` at once when nothing was changed. Raises EndpointBroken."""
        claim = self.store.promotion(self.kind)
        if claim is None or claim.run_id != run.run_id:
            return Answer(State.BACK)
        self._crown_again(claim)
        described = self._describe()
        if described["EndpointStatus"] in _BUSY:
            return Answer(State.UPDATING)
        if described["EndpointConfigName"] == claim.from_config:
            return Answer(State.BACK)
        self._update(claim.from_config, watched=False)
        return Answer(State.UPDATING)

    def retire(self) -> Answer:
        """Deletes models and configurations of all runs but the last few: SageMaker counts them against a quota.

        Those of a deployment are CloudFormation's. Nothing is deleted while an endpoint moves: a configuration in use
        must stay (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html).
        """
        described = self._describe()
        if described["EndpointStatus"] in _BUSY or self.store.promotion(self.kind) is not None:
            return Answer(State.RETIRED)
        names = [self._name(run) for run in self.store.rolled_out(self.kind)]
        for name in names[KEPT_ROLLOUTS : KEPT_ROLLOUTS + _RETIRED_AT_ONCE]:
            if name != described["EndpointConfigName"]:
                _unless_gone(self.sagemaker.delete_endpoint_config, EndpointConfigName=name)
                _unless_gone(self.sagemaker.delete_model, ModelName=name)
        return Answer(State.RETIRED)

    def _claim(self, run: Run, model_id: str, config: str, now: datetime) -> Promotion:
        """The champion of this moment is kept first, for it is what one would go back to."""
        known = self.store.promotion(self.kind)
        if known is not None and known.run_id == run.run_id:
            return known
        champion = self.bucket.champion(self.kind)
        serving = champion.model_id if champion is not None else None
        expected = run.replaces if run.reverts else run.compared_with
        if serving != expected:
            raise ChampionChanged(
                f"{run.run_id} was to replace {expected or 'no champion'} of {self.kind}: {serving or 'none'} is it now"
            )
        replaces = self.bucket.keep(self.kind, champion) if champion is not None else None
        wanted = Promotion(
            run_id=run.run_id,
            model_id=model_id,
            replaces=replaces,
            from_config=config,
            started_at=format_instant(now),
        )
        return self.store.claim(self.kind, wanted, now)

    def _crown_again(self, claim: Promotion) -> None:
        """Where a run failed after it wrote the champion's key."""
        champion = self.bucket.champion(self.kind)
        if claim.replaces is not None and (champion is None or champion.model_id != claim.replaces):
            self.bucket.crown(self.kind, claim.replaces)

    def _probed(self, model_id: str) -> Answer:
        try:
            answered = self.probe()
        except (EndpointUnavailable, RequestRefused, InvalidAnswer) as error:
            return Answer(State.FAILED, f"the endpoint did not answer a sample request: {error}")
        if answered != model_id:
            return Answer(State.FAILED, f"the endpoint answers as {answered}: expected {model_id}")
        return Answer(State.SERVING)

    def _name(self, run: Run) -> str:
        """At most 63 characters of letters, digits and dashes, as SageMaker wants."""
        return f"{self.endpoint}-{run.run_id}"[:63].rstrip("-")

    def _describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        if described["EndpointStatus"] in _BROKEN:
            raise EndpointBroken(f"{self.endpoint} is {described['EndpointStatus']}")
        return described

    def _create(self, name: str, model_id: str, *, like: str) -> None:
        """Image, role, size and disk key are those of the configuration that serves: the deployment sets them."""
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=like)
        (variant,) = config["ProductionVariants"]
        served = self.sagemaker.describe_model(ModelName=variant["ModelName"])
        container = served["PrimaryContainer"]
        _unless_there(
            self.sagemaker.create_model,
            ModelName=name,
            ExecutionRoleArn=served["ExecutionRoleArn"],
            PrimaryContainer={
                "Image": container["Image"],
                "Environment": container["Environment"],
                "ModelDataUrl": self.bucket.uri(kept_key(self.kind, model_id)),
            },
        )
        key = {"KmsKeyId": config["KmsKeyId"]} if config.get("KmsKeyId") else {}
        _unless_there(
            self.sagemaker.create_endpoint_config,
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "ModelName": name}],
            **key,
        )

    def _update(self, config: str, *, watched: bool) -> None:
        """All traffic at once, after which the old fleet stays for the baking period in which the alarm is watched.

        A way back, and a return to a model that served before, are not watched: because of what they leave behind the
        alarm may be raised already, and a raised alarm takes an update back. The API does not say which of the two
        waits is the baking period of a single step: both are set.

        Instances that autoscaling added stay: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        """
        (variant,) = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        baking = self.guard.bake_seconds
        guarded = {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": baking},
                "TerminationWaitInSeconds": baking,
                "MaximumExecutionTimeoutInSeconds": MOST_SECONDS + 2 * baking,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": self.guard.alarm}]},
        }
        self.sagemaker.update_endpoint(
            EndpointName=self.endpoint,
            EndpointConfigName=config,
            RetainAllVariantProperties="ServerlessConfig" not in variant,
            **({"DeploymentConfig": guarded} if watched else {}),
        )


def _unless_there(create: Callable[..., Any], **request: Any) -> None:
    """The service has no code of its own for a name that is taken: "Cannot create already existing model ..."."""
    try:
        create(**request)
    except ClientError as error:
        if "already existing" not in error.response["Error"].get("Message", ""):
            raise


def _unless_gone(delete: Callable[..., Any], **request: Any) -> None:
    """The service has no code of its own for a name that is not there: "Could not find model ..."."""
    try:
        delete(**request)
    except ClientError as error:
        if "could not find" not in error.response["Error"].get("Message", "").lower():
            raise


def crown(store: RunStore, bucket: ModelBucket, run: Run, now: datetime) -> Run:
    """The run's model, which serves, becomes the champion. Repeated, it writes the same again."""
    if run.state is RunState.PROMOTED:
        return run
    if run.model_id is None:
        raise LookupError(f"run {run.run_id} of {run.kind} names no model")
    claim = store.promotion(run.kind)
    if claim is None or claim.run_id != run.run_id:
        raise LookupError(f"run {run.run_id} of {run.kind} moved no endpoint: only what serves becomes the champion")
    bucket.crown(run.kind, run.model_id)
    ended = {"state": RunState.PROMOTED, "replaces": claim.replaces, "ended_at": format_instant(now)}
    return store.end(run.model_copy(update=ended))


def give_up(store: RunStore, run: Run, *, step: str, now: datetime) -> Run:
    """Notes where a run ended without a new champion. While the way back failed, too, its claim stays: the next
    promotion takes it over and knows where to go back to."""
    if run.state is RunState.PROMOTED:  # what failed came after it
        return run
    moved = run.state is RunState.PROMOTING and step != WAY_BACK
    ended = {
        "state": RunState.ROLLED_BACK if moved else RunState.FAILED,
        "failed_step": step,
        "ended_at": format_instant(now),
    }
    run = run.model_copy(update=ended)
    return store.put(run) if step == WAY_BACK else store.end(run)
