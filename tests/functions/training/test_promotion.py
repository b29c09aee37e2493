"""Train, judge, promote, revert: whatever is killed or refused, one whole model is the champion and serves."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.functions.training.conftest import ALARM, BETTER, ENDPOINT, WORSE, Killed, World, archive
from winback.aws import keys
from winback.aws.lake import Lake
from winback.aws.model_runs import PromotionElsewhere
from winback.aws.model_training import NothingToRevert
from winback.aws.models import UnknownModel, kept_key
from winback.aws.rollout import ChampionChanged
from winback.predictions.kinds import Kind


def sample(folder: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads(Path(f"events/{folder}.json").read_text()), **changes}


def test_a_better_model_is_served_then_made_champion(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")
    run = world.promote(run_id)
    assert (world.champion, world.sagemaker.served) == ("churn-new", "churn-new")
    assert (run.state, run.model_id, run.replaces) == ("promoted", "churn-new", "churn-first")
    assert run.reasons[0].startswith("better than the champion beyond chance")
    assert run.evaluation is not None
    assert run.evaluation.against["champion"].difference == -0.02
    assert world.store.promotion(Kind.CHURN) is None


def test_a_worse_model_is_refused_with_the_reason_and_nothing_changes(world: World) -> None:
    run_id = world.judged("churn-new", WORSE)
    run = world.run(run_id)
    assert run.state == "refused"
    assert "not better than the champion beyond chance: log loss 0.5000 against 0.4800" in run.reasons[0]
    assert world.champion == "churn-first"
    assert world.sagemaker.updates == []
    assert not world.is_kept("churn-new")


def test_a_job_without_an_evaluation_is_refused(world: World) -> None:
    run_id = world.plan()
    world.examples(run_id)
    assert world.train(run_id, archive("churn-new")) == "refused"
    assert "no evaluation.json" in world.run(run_id).reasons[0]


def test_an_evaluation_that_cannot_be_read_is_refused_by_field(world: World) -> None:
    run_id = world.plan()
    world.examples(run_id)
    assert world.train(run_id, archive("churn-new", {"champion": BETTER}, metric=None)) == "refused"
    assert "metric" in world.run(run_id).reasons[0]


def test_the_job_gets_training_rows_test_rows_and_the_champion(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    (request,) = world.sagemaker.jobs.values()
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]
    }
    assert channels == {
        "train": f"s3://lake/training/churn/{run_id}/train/",
        "test": f"s3://lake/training/churn/{run_id}/test/",
        "champion": "s3://models/churn/champion/",
    }
    assert request["HyperParameters"]["sagemaker_submit_directory"] == '"s3://code/churn"'
    run = world.run(run_id)
    assert (run.train_rows, run.test_rows, run.compared_with) == (5000, 1000, "churn-first")
    assert run.data_fingerprint is not None
    assert len(run.data_fingerprint) == 64


def test_too_little_to_learn_from_starts_no_job(world: World) -> None:
    run_id = world.plan()
    world.examples(run_id, train=499)
    assert world.call("train_job", {"kind": "churn", "run_id": run_id})["state"] == "nothing"
    assert world.sagemaker.jobs == {}
    assert "too little to learn from: 499 rows" in world.run(run_id).reasons[0]


def test_a_failed_job_is_told(world: World) -> None:
    run_id = world.plan()
    world.examples(run_id)
    world.call("train_job", sample("train_job", run_id=run_id))
    world.sagemaker.status = "Failed"
    assert world.call("train_job", sample("train_job", run_id=run_id))["state"] == "failed"
    error = {"step": "training_job", "code": "TrainingJobFailed"}
    world.call("model_finish", sample("model_finish", run_id=run_id, error=error))
    run = world.run(run_id)
    assert (run.state, run.failed_step) == ("failed", "training_job")


def test_an_update_is_watched_by_the_endpoints_alarm_and_made_like_the_configuration_that_serves(world: World) -> None:
    world.promote(world.judged("churn-new", BETTER))
    (update,) = world.sagemaker.updates
    assert update["DeploymentConfig"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": ALARM}]}
    policy = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
    assert policy["TerminationWaitInSeconds"] == 600
    config = world.sagemaker.configs[update["EndpointConfigName"]]
    assert config["ProductionVariants"][0]["ServerlessConfig"] == {"MemorySizeInMB": 2048}
    model = world.sagemaker.models[config["ProductionVariants"][0]["ModelName"]]
    assert model["PrimaryContainer"]["ModelDataUrl"] == f"s3://models/{kept_key(Kind.CHURN, 'churn-new')}"
    assert model["ExecutionRoleArn"].endswith("churn-endpoint-us-east-1")
    assert len(update["EndpointConfigName"]) <= 63


def test_an_alarm_takes_the_new_model_back_and_the_champion_stays(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.goes_back = True
    assert world.roll(run_id) == "failed"
    run = world.give_up(run_id, "model_roll")
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")
    assert run.state == "rolled_back"
    assert ALARM in run.reasons[-1]
    assert len(world.sagemaker.updates) == 1  # it is not asked again for what it took back
    assert world.store.promotion(Kind.CHURN) is None


def test_an_endpoint_that_answers_as_another_model_is_moved_back(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.answers_as = "churn-stranger"
    assert world.roll(run_id) == "failed"
    run = world.give_up(run_id, "model_roll")
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")
    assert run.reasons[-1] == "the endpoint answers as churn-stranger: expected churn-new"


@pytest.mark.parametrize("call", ["create_model", "create_endpoint_config", "update_endpoint"])
def test_a_function_killed_while_it_moves_the_endpoint_goes_on_when_it_is_tried_again(world: World, call: str) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.dies_at = call
    with pytest.raises(Killed):
        world.roll(run_id)
    assert world.champion == "churn-first"
    world.promote(run_id)
    assert (world.champion, world.sagemaker.served) == ("churn-new", "churn-new")
    assert len(world.sagemaker.updates) == 1


@pytest.mark.parametrize("call", ["create_model", "create_endpoint_config", "update_endpoint"])
def test_a_run_given_up_after_a_kill_leaves_everything_as_it_was(world: World, call: str) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.dies_at = call
    with pytest.raises(Killed):
        world.roll(run_id)
    run = world.give_up(run_id, "model_roll")
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")
    assert run.state == "rolled_back"
    assert world.store.promotion(Kind.CHURN) is None


@pytest.mark.parametrize("when", ["before the champion's key", "after the champion's key"])
def test_a_kill_at_the_end_is_repeated_or_undone(world: World, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for undone, execution in ((False, "first"), (True, "second")):
        model_id = f"churn-{execution}-try"
        run_id = world.judged(model_id, BETTER, execution)
        before = world.champion
        assert world.roll(run_id) == "serving"
        with monkeypatch.context() as killing:
            place = (
                "winback.aws.rollout.ModelBucket.crown"
                if when.startswith("before")
                else "winback.aws.rollout.RunStore.end"
            )
            killing.setattr(place, lambda *_: (_ for _ in ()).throw(Killed(when)))
            with pytest.raises(Killed):
                world.call("model_finish", sample("model_finish", run_id=run_id))
        if undone:
            run = world.give_up(run_id, "model_finish")
            assert (world.champion, world.sagemaker.served, run.state) == (before, before, "rolled_back")
        else:
            run = world.promote(run_id)
            assert (world.champion, world.sagemaker.served, run.state) == (model_id, model_id, "promoted")
        assert world.store.promotion(Kind.CHURN) is None


def test_the_first_promotion_undone_after_the_champions_key_serves_the_old_model_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = world.judged("churn-new", BETTER)
    assert world.roll(run_id) == "serving"
    with monkeypatch.context() as killing:
        killing.setattr("winback.aws.rollout.RunStore.end", lambda *_: (_ for _ in ()).throw(Killed("at the end")))
        with pytest.raises(Killed):
            world.call("model_finish", sample("model_finish", run_id=run_id))
    assert world.champion == "churn-new"
    run = world.give_up(run_id, "model_finish")
    assert (world.champion, world.sagemaker.served, run.state) == ("churn-first", "churn-first", "rolled_back")


def test_a_revert_is_not_taken_back_by_the_alarm_that_the_bad_model_raised(world: World) -> None:
    world.promote(world.judged("churn-bad", BETTER))
    world.promote(world.revert())
    assert "DeploymentConfig" not in world.sagemaker.updates[-1]
    assert world.sagemaker.served == "churn-first"


def test_a_model_brought_by_hand_that_never_served_is_watched_by_the_alarm(world: World) -> None:
    world.s3.put_object(Bucket="models", Key=kept_key(Kind.CHURN, "churn-mine"), Body=archive("churn-mine"))
    world.promote(world.revert(model_id="churn-mine"))
    assert "AutoRollbackConfiguration" in world.sagemaker.updates[-1]["DeploymentConfig"]


def test_a_model_is_not_promoted_over_a_champion_that_it_was_not_compared_with(world: World) -> None:
    first, second = world.judged("churn-b", BETTER, "week-1"), world.judged("churn-c", BETTER, "week-2")
    world.promote(first)
    with pytest.raises(ChampionChanged, match="churn-first of churn: churn-b is it now"):
        world.roll(second)
    assert world.give_up(second, "model_roll").state == "rolled_back"
    assert (world.champion, world.sagemaker.served) == ("churn-b", "churn-b")


def test_a_revert_that_was_overtaken_by_a_promotion_changes_nothing(world: World) -> None:
    world.promote(world.judged("churn-b", BETTER, "week-1"))
    revert = world.revert()
    world.promote(world.judged("churn-c", BETTER, "week-2"))
    with pytest.raises(ChampionChanged, match="churn-b of churn: churn-c is it now"):
        world.roll(revert)
    assert world.champion == "churn-c"


def test_a_promotion_waits_for_a_deployment_that_moves_the_endpoint(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.configs["deployed"] = {**world.sagemaker.configs["first"], "EndpointConfigName": "deployed"}
    world.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="deployed")
    event = sample("model_roll", run_id=run_id)
    assert world.call("model_roll", event)["state"] == "updating"
    assert world.store.promotion(Kind.CHURN) is None
    world.call("model_roll", event)
    claim = world.store.promotion(Kind.CHURN)
    assert claim is not None
    assert claim.from_config == "deployed"


def test_models_and_configurations_of_all_but_the_last_rollouts_are_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = iter(range(60))
    monkeypatch.setattr(
        "functions.model_finish.handler.SystemClock.now",
        lambda _: datetime(2026, 11, 22, 1, next(minutes), tzinfo=UTC),
    )
    runs = [world.judged(f"churn-{week}", BETTER, f"week-{week}") for week in range(1)]
    world.promote(runs[0])
    for week in range(1, 6):
        runs.append(world.judged(f"churn-{week}", BETTER, f"week-{week}"))
        world.promote(runs[-1])
        world.retire(runs[-1])
    kept = {f"{ENDPOINT}-{run_id}" for run_id in runs[-3:]}
    assert set(world.sagemaker.configs) == set(world.sagemaker.models) == {"first", *kept}
    world.retire(runs[-1])
    assert all(world.is_kept(f"churn-{week}") for week in range(6))


def test_what_serves_is_never_deleted_however_many_rollouts_failed_since(world: World) -> None:
    serving = world.judged("churn-new", BETTER)
    world.promote(serving)
    for week in range(5):
        run_id = world.judged(f"churn-{week}", BETTER, f"week-{week}")
        world.sagemaker.goes_back = True
        assert world.roll(run_id) == "failed"
        world.give_up(run_id, "model_roll")
    world.retire(run_id)
    assert f"{ENDPOINT}-{serving}" in world.sagemaker.configs
    assert world.sagemaker.served == "churn-new"


def test_a_step_that_is_refused_leaves_everything_as_it_was(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    world.sagemaker.refuses = "create_model"
    with pytest.raises(Exception, match="cannot be assumed"):
        world.roll(run_id)
    world.give_up(run_id, "model_roll")
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")
    assert world.sagemaker.updates == []


def test_every_step_can_be_repeated(world: World) -> None:
    run_id = world.judged("churn-new", BETTER)
    assert world.plan() == run_id
    assert world.call("model_judge", sample("model_judge", run_id=run_id))["state"] == "promoting"
    first = world.promote(run_id)
    world.call("model_finish", {"kind": "churn", "run_id": run_id})
    assert world.run(run_id) == first
    error = {"step": "model_finish", "code": "States.Timeout"}
    world.call("model_finish", {"kind": "churn", "run_id": run_id, "error": error})
    assert world.run(run_id) == first


def test_reverting_brings_the_model_before_back_and_again_the_one_before_that(world: World) -> None:
    world.promote(world.judged("churn-b", BETTER, "week-1"))
    world.promote(world.judged("churn-c", BETTER, "week-2"))
    run = world.promote(world.revert("first"))
    assert (world.champion, world.sagemaker.served) == ("churn-b", "churn-b")
    assert (run.reverts, run.replaces, run.reasons) == (True, "churn-c", ("brought back by hand in place of churn-c",))
    world.promote(world.revert("second"))
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")


def test_a_reverted_model_does_not_come_back_by_itself(world: World) -> None:
    world.promote(world.judged("churn-b", BETTER, "week-1"))
    world.promote(world.revert())
    refused = world.run(world.judged("churn-b", BETTER, "week-2"))
    assert refused.state == "refused"
    assert "taken out" in refused.reasons[0]


def test_without_any_training_there_is_nothing_to_go_back_to_unless_a_kept_model_is_named(world: World) -> None:
    with pytest.raises(NothingToRevert, match=r"churn-first of churn replaced no other model.*model_id"):
        world.call("model_revert", sample("model_revert"))
    with pytest.raises(UnknownModel, match="churn/models/churn-mine/"):
        world.revert(model_id="churn-mine")
    world.s3.put_object(Bucket="models", Key=kept_key(Kind.CHURN, "churn-mine"), Body=archive("churn-mine"))
    world.promote(world.revert(model_id="churn-mine"))
    assert (world.champion, world.sagemaker.served) == ("churn-mine", "churn-mine")
    assert world.is_kept("churn-first")


def test_one_promotion_of_a_kind_at_a_time(world: World) -> None:
    first = world.judged("churn-b", BETTER, "week-1")
    second = world.judged("churn-c", BETTER, "week-2")
    world.call("model_roll", sample("model_roll", run_id=first))
    with pytest.raises(PromotionElsewhere, match=first):
        world.roll(second)
    world.promote(first)
    assert world.champion == "churn-b"


def test_a_promotion_that_was_left_behind_is_taken_over_with_its_way_back(world: World) -> None:
    left, other = world.judged("churn-b", BETTER, "week-1"), world.judged("churn-c", BETTER, "week-2")
    assert world.roll(left) == "serving"  # and then nobody came to finish it
    long_ago = (datetime.now(UTC) - timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.campaigns.update_item(
        Key=keys.model_promotion("churn"),
        UpdateExpression="SET started_at = :then",
        ExpressionAttributeValues={":then": long_ago},
    )
    world.sagemaker.answers_as = "churn-stranger"
    assert world.roll(other) == "failed"
    world.give_up(other, "model_roll")
    assert (world.champion, world.sagemaker.served) == ("churn-first", "churn-first")


def test_a_champion_that_changed_during_the_training_was_not_compared_with(world: World) -> None:
    run_id = world.plan("week-2")
    world.examples(run_id)
    world.call("train_job", {"kind": "churn", "run_id": run_id})
    world.promote(world.judged("churn-b", BETTER, "week-1"))
    name = next(iter(world.sagemaker.jobs))
    key = f"training/churn/{run_id}/jobs/{name}/output/model.tar.gz"
    world.s3.put_object(Bucket="lake", Key=key, Body=archive("churn-c", {"champion": BETTER}))
    assert world.call("model_judge", {"kind": "churn", "run_id": run_id})["state"] == "refused"
    assert "the champion changed while it was trained" in world.run(run_id).reasons[0]


def test_the_plan_has_a_run_for_every_kind_and_all_accounts(world: World) -> None:
    event = {"request": {}, "execution": "weekly"}
    runs = world.call("train_plan", event)["runs"]
    assert [run["kind"] for run in runs] == ["churn", "offer", "send_time"]
    assert world.call("train_plan", event)["runs"] == [
        {**run, "as_of": again["as_of"]}
        for run, again in zip(runs, world.call("train_plan", event)["runs"], strict=True)
    ]
    (one,) = world.call("train_plan", sample("train_plan"))["runs"]
    assert (one["kind"], one["as_of"], one["reverts"]) == ("churn", "2026-11-22T01:00:00Z", False)
    assert [run["accounts"] for run in runs] == [0, 0, 0]


def test_the_plan_names_the_accounts_of_all_kinds_in_one_list(world: World) -> None:
    for account_id in ("acme", "bolt"):
        world.campaigns.put_item(Item={"pk": "accounts", "sk": account_id})
    runs = world.call("train_plan", {"request": {}, "execution": "weekly"})["runs"]
    assert [run["accounts"] for run in runs] == [2, 2, 2]
    (key,) = {run["manifest"] for run in runs}
    assert Lake("lake").read_rows(key) == [{"account_id": "acme"}, {"account_id": "bolt"}]


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="segments"):
        world.plan(kind="segments")


def test_the_endpoint_is_named_by_the_stage(world: World) -> None:
    world.promote(world.judged("churn-new", BETTER))
    assert {update["EndpointName"] for update in world.sagemaker.updates} == {ENDPOINT}
