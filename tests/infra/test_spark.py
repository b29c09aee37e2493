"""Large accounts are computed on EMR Serverless: an application that costs nothing between jobs, a role of its own."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.bundling import build_package
from infra.config import EMR_SERVERLESS, StageConfig, this_machine
from infra.workflows import refresh
from tests.infra.conftest import ROOT, Stage
from tests.infra.readable import text

BARE_PYTHON = ROOT / "build" / "emulator" / "bin" / "python"


def _job_role(stage: Stage) -> dict[str, Any]:
    (role,) = [
        found
        for name, found in stage.properties("AWS::IAM::Role", stack="segmentation").items()
        if "SparkJobRole" in name
    ]
    return role


def _statements(stage: Stage, which: str) -> list[dict[str, Any]]:
    (policy,) = [
        found for name, found in stage.properties("AWS::IAM::Policy", stack="segmentation").items() if which in name
    ]
    return list(policy["PolicyDocument"]["Statement"])


def _refresh(stage: Stage) -> str:
    (machine,) = stage.properties("AWS::StepFunctions::StateMachine", stack="segmentation").values()
    return text(machine["DefinitionString"])


def test_nothing_runs_between_jobs(aws_stage: Stage) -> None:
    (application,) = aws_stage.properties("AWS::EMRServerless::Application").values()

    assert "InitialCapacity" not in application
    assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 5}
    assert application["AutoStartConfiguration"] == {"Enabled": True}
    assert application["MaximumCapacity"] == {"Cpu": "64 vCPU", "Memory": "256 GB", "Disk": "1600 GB"}


def test_it_runs_the_spark_that_the_tests_run(aws_stage: Stage) -> None:
    (application,) = aws_stage.properties("AWS::EMRServerless::Application").values()
    lock = (ROOT / "locks" / "dev.txt").read_text()

    assert application["ReleaseLabel"] == "emr-spark-8.0.0"  # Spark 4.0.2
    assert application["Architecture"] == "ARM64"
    assert "\npyspark==4.0." in lock


def test_its_log_is_kept_as_long_as_the_others_and_nowhere_else(aws_stage: Stage) -> None:
    (application,) = aws_stage.properties("AWS::EMRServerless::Application").values()
    monitoring = application["MonitoringConfiguration"]
    logs = aws_stage.properties("AWS::Logs::LogGroup", stack="segmentation")
    (log,) = [found for found in logs.values() if found["LogGroupName"].startswith("/aws/emr-serverless/")]

    assert monitoring["CloudWatchLoggingConfiguration"]["Enabled"] is True
    assert monitoring["ManagedPersistenceMonitoringConfiguration"] == {"Enabled": False}
    assert log["RetentionInDays"] == {"dev": 14, "prod": 90}[aws_stage.name]


def test_the_job_touches_the_lake_and_its_own_code_alone(aws_stage: Stage) -> None:
    actions: set[str] = set()
    for statement in _statements(aws_stage, "SparkJobRole"):
        named = statement["Action"]
        actions |= {named} if isinstance(named, str) else set(named)
        if {"s3:PutObject", "s3:DeleteObject"} & actions and "s3:PutObject" in str(named):
            assert "/refresh/*" in text(statement["Resource"])
            assert "/orders/*" not in text(statement["Resource"])

    assert {action.split(":")[0] for action in actions} == {"s3", "kms", "logs"}


def test_only_the_service_for_this_application_takes_the_role(aws_stage: Stage) -> None:
    (statement,) = _job_role(aws_stage)["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert "aws:SourceAccount" in statement["Condition"]["StringEquals"]
    assert "aws:SourceArn" in statement["Condition"]["ArnLike"]


def test_the_workflow_may_pass_that_role_to_emr_serverless_alone(aws_stage: Stage) -> None:
    (passing,) = [s for s in _statements(aws_stage, "RefreshWorkflow") if s["Action"] == "iam:PassRole"]

    assert "SparkJobRole" in str(passing["Resource"])
    assert passing["Condition"] == {"StringLike": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}


def test_the_workflow_runs_the_job_for_the_request_that_compute_wrote(aws_stage: Stage) -> None:
    definition = _refresh(aws_stage)
    (machine,) = aws_stage.properties("AWS::StepFunctions::StateMachine", stack="segmentation").values()
    parameters = text(machine["DefinitionSubstitutions"]["spark_parameters"])

    assert "emr-serverless:startJobRun.sync" in definition
    assert "States.Array($.request)" in definition
    assert re.search(r"--conf spark\.archives=s3://\S+\.zip#job ", parameters)
    assert "PYSPARK_DRIVER_PYTHON=/usr/bin/python3.11" in parameters
    assert "spark.executor.memory=14g" in parameters


def test_the_local_stage_has_no_spark(local: Stage) -> None:
    assert local.resources("AWS::EMRServerless::Application") == {}
    assert "emr-serverless" not in _refresh(local)


def test_the_stage_decides_which_engine(each_stage: Stage) -> None:
    (compute,) = [
        found
        for found in each_stage.properties("AWS::Lambda::Function").values()
        if str(found["FunctionName"]).endswith("refresh-compute")
    ]

    variables = compute["Environment"]["Variables"]
    assert variables["REFRESH_ENGINE"] == ("lambda" if each_stage.name == "local" else "auto")
    assert int(variables["SPARK_FROM_ORDERS"]) == StageConfig(stage="any").spark_from_orders


def test_without_spark_the_workflow_has_no_branch() -> None:
    definition = json.dumps(refresh.definition(accounts=1, chunks=1, spark_minutes=None))

    assert "Which engine" not in definition
    assert "spark" not in definition


def test_the_package_imports_without_anything_beside_it(tmp_path: Path) -> None:
    """But PySpark, which EMR Serverless brings."""
    build_package("spark", replace(EMR_SERVERLESS, python=this_machine().python, uv_platform=None), tmp_path)
    modules = "winback.spark.translation, winback.spark.request, winback.spark.entry"
    imports = f"import sys; sys.path.insert(0, sys.argv[1]); import {modules}"
    done = subprocess.run(
        [BARE_PYTHON, "-I", "-B", "-c", imports, tmp_path], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "functions").exists()
    assert not (tmp_path / "pyspark").exists()
