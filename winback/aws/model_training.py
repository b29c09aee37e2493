"""One training run of a kind of model: what it learns from, its job, its judgement, and going back by hand.

One model a kind and stage, trained on the rows of all accounts (docs/decisions/2026-11-22-training.md). Keys and items
are in docs/data-model.md; the states that call these steps in docs/architecture.md.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.lake import Lake, training_prefix
from winback.aws.model_runs import Run, RunState, RunStore
from winback.aws.models import Archive, ModelBucket, champion_prefix
from winback.aws.trainings import JobState, TrainingJobs
from winback.identifiers import repeatable_id
from winback.instants import format_instant
from winback.predictions.kinds import Kind
from winback.predictions.promotion import (
    FEWEST_TEST_ROWS,
    Evaluation,
    Standing,
    UnreadableEvaluation,
    Verdict,
    earlier_model,
    judge,
)

FEWEST_TRAINING_ROWS = 500
"""Below this many rows of all accounts together no job is started."""


class NothingToRevert(LookupError):
    """The champion replaced no other model."""


@dataclass(frozen=True)
class Training:
    lake: Lake
    bucket: ModelBucket
    store: RunStore

    def advance(self, run: Run, jobs: TrainingJobs, name: str) -> Run | JobState:
        """Starts the run's job unless it was started, and says how it is; or the run, when there is too little to learn
        from. Asked again and again while the job runs."""
        try:
            return jobs.state(name)
        except ClientError as error:
            # The service has no code of its own for a job that does not exist.
            if error.response["Error"]["Code"] != "ValidationException":
                raise
        prefix = training_prefix(run.kind, run.run_id)
        train, test = self._counted(prefix)
        run = run.model_copy(update={"train_rows": train, "test_rows": test})
        if train < FEWEST_TRAINING_ROWS or test < FEWEST_TEST_ROWS:
            reason = (
                f"too little to learn from: {train} rows to train on and {test} to judge by, and "
                f"{FEWEST_TRAINING_ROWS} and {FEWEST_TEST_ROWS} are needed"
            )
            return self.store.put(run.model_copy(update={"state": RunState.NOTHING, "reasons": (reason,)}))
        champion = self.bucket.champion(run.kind)
        channels = {channel: jobs.uri(f"{prefix}{channel}/") for channel in ("train", "test")}
        if champion is not None:
            channels["champion"] = self.bucket.uri(champion_prefix(run.kind))
        # What it is compared with is written down first: a champion that changes in between is noticed.
        self.store.put(
            run.model_copy(
                update={
                    "compared_with": champion.model_id if champion is not None else None,
                    "data_fingerprint": self._fingerprint(prefix),
                }
            )
        )
        jobs.start(name, channels=channels, output=f"{prefix}jobs/", hyperparameters={})
        return JobState.RUNNING

    def judge(self, run: Run, name: str, now: datetime) -> Run:
        """The job's result -> the run `promoting`, its model kept; or `refused`, with every reason."""
        if run.state is not RunState.TRAINING:  # judged before
            return run
        key = TrainingJobs.result_key(name, f"{training_prefix(run.kind, run.run_id)}jobs/")
        archive = Archive(self.lake.read_object(key))
        evaluation, verdict = self._verdict(run, archive)
        known: dict[str, Any] = {"reasons": verdict.reasons}
        if evaluation is not None:
            known |= {"model_id": evaluation.model_id, "evaluation": evaluation.judged}
        if not verdict.promote:
            ended = {"state": RunState.REFUSED, "ended_at": format_instant(now)}
            return self.store.put(run.model_copy(update={**known, **ended}))
        self.bucket.keep(run.kind, archive)
        return self.store.put(run.model_copy(update={**known, "state": RunState.PROMOTING}))

    def revert(self, kind: Kind, run_id: str, model_id: str | None, now: datetime, execution: str | None) -> Run:
        """A run that brings back the model that the champion replaced, or the kept `model_id`.

        Raises NothingToRevert, UnknownModel.
        """
        champion = self.bucket.champion(kind)
        serving = champion.model_id if champion is not None else None
        wanted, changes = model_id, self.store.changes(kind)
        if wanted is None and serving is not None:
            log = [{"from": run.replaces, "to": run.model_id, "reverts": run.reverts} for run in changes]
            wanted = earlier_model(log, serving)
        if wanted is None:
            raise NothingToRevert(
                f"{serving or 'no champion'} of {kind} replaced no other model: nothing was promoted before it. "
                f"Name a kept one as model_id (the folders of {kind}/models/ in the models bucket)"
            )
        self.bucket.kept(kind, wanted)
        reason = f"brought back by hand in place of {serving}"
        return self.store.begin(
            Run(
                run_id=run_id,
                kind=kind,
                state=RunState.PROMOTING,
                started_at=format_instant(now),
                execution=execution,
                reverts=True,
                watched=wanted not in {served for run in changes for served in (run.replaces, run.model_id)},
                model_id=wanted,
                replaces=serving,
                reasons=(reason,),
            )
        )

    def _verdict(self, run: Run, archive: Archive) -> tuple[Evaluation | None, Verdict]:
        try:
            evaluation = archive.evaluation
        except (UnreadableEvaluation, ValueError) as error:
            return None, Verdict(False, (str(error),))
        if evaluation is None:
            return None, Verdict(False, ("the job left no evaluation.json: nothing says that it is better",))
        champion = self.bucket.champion(run.kind)
        serving = champion.model_id if champion is not None else None
        reverted = {change.replaces for change in self.store.changes(run.kind) if change.reverts and change.replaces}
        return evaluation, judge(evaluation, run.kind, Standing(serving, run.compared_with, reverted))

    def _counted(self, prefix: str) -> tuple[int, int]:
        counts = [self.lake.read_json(key) for key in self.lake.list(f"{prefix}counts/")]
        return sum(int(count["train"]) for count in counts), sum(int(count["test"]) for count in counts)

    def _fingerprint(self, prefix: str) -> str:
        versions = {**self.lake.versions(f"{prefix}train/"), **self.lake.versions(f"{prefix}test/")}
        lines = "".join(f"{key} {etag}\n" for key, etag in sorted(versions.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def job_name(stage: str, kind: Kind, run_id: str) -> str:
    """At most 63 characters of letters, digits and dashes, as SageMaker wants."""
    return repeatable_id(f"winback-{stage}-train-{kind.replace('_', '-')}", run_id)
