"""Stacks stand beside each other without exports, and pass the checks that gate a deployment."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import Stage

# What the emulator lacks: one of them rejects a whole template.
UNSUPPORTED = (
    "AWS::SageMaker::",
    "AWS::ApplicationAutoScaling::",
    "AWS::EMRServerless::",
    "AWS::Budgets::",
    "AWS::CloudTrail::",
    "AWS::WAFv2::WebACLAssociation",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Archive",
    "AWS::Events::ApiDestination",
    "AWS::StepFunctions::StateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion",
    "AWS::SES::Tenant",
    "AWS::SES::DedicatedIpPool",
    "AWS::Logs::QueryDefinition",
    "AWS::Backup::BackupSelection",
    "Custom::",
)


def test_no_stack_exports_or_imports(each_stage: Stage) -> None:
    for name, template in each_stage.templates.items():
        assert "Fn::ImportValue" not in str(template), name
        assert [out for out in template.get("Outputs", {}).values() if "Export" in out] == [], name


def test_the_local_stage_has_only_what_the_emulator_supports(local: Stage) -> None:
    kinds = {resource["Type"] for template in local.templates.values() for resource in template["Resources"].values()}

    assert [kind for kind in kinds if kind.startswith(UNSUPPORTED)] == []


def test_aws_stages_have_no_finding_that_is_not_acknowledged(aws_stage: Stage) -> None:
    assert aws_stage.findings() == []


@pytest.mark.parametrize("name", ["local", "prod"])
def test_templates_are_valid(stage: Callable[[str], Stage], name: str) -> None:
    """W3005: the CDK writes dependencies out that CloudFormation would infer. W3037, in the local stage alone: the
    emulator asks for an action that AWS does not know (StageConfig.batches_have_own_action)."""
    left_out = ["W3005", "W3037"] if name == "local" else ["W3005"]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--regions",
            "eu-central-1",
            "--ignore-checks",
            *left_out,
            "--",
            *sorted(stage(name).folder.glob("*.template.json")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_stage_whose_templates_are_not_validated_says_nothing_else(stage: Callable[[str], Stage]) -> None:
    """Validating one takes long, and dev differs in sizes alone."""
    validated = _statements(stage("local")) | _statements(stage("prod"))

    assert _statements(stage("dev")) <= validated


def _statements(of: Stage) -> set[tuple[str, str, str]]:
    """Stack, type of resource and name of each property that the templates set."""
    return {
        (stack, resource["Type"], name)
        for stack, template in of.templates.items()
        for resource in template["Resources"].values()
        for name in resource.get("Properties", {})
    }


def test_every_resource_is_tagged_with_the_stage(aws_stage: Stage) -> None:
    for table in aws_stage.properties("AWS::DynamoDB::Table").values():
        assert {"Key": "stage", "Value": aws_stage.name} in table["Tags"]
        assert {"Key": "application", "Value": "winback"} in table["Tags"]


def test_workflows_log_errors_without_the_data_of_executions(each_stage: Stage) -> None:
    machines = each_stage.properties("AWS::StepFunctions::StateMachine")

    assert len(machines) == 5
    for machine in machines.values():
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert machine["LoggingConfiguration"]["Level"] == "ERROR"


def test_every_workflow_has_an_alarm_on_failed_executions(each_stage: Stage) -> None:
    failed = [
        a for a in each_stage.properties("AWS::CloudWatch::Alarm").values() if a.get("MetricName") == "ExecutionsFailed"
    ]

    assert len(failed) == 5


def test_workflow_definitions_are_as_reviewed(prod: Stage, same_as_snapshot: Callable[[str, Any], None]) -> None:
    for machine in prod.properties("AWS::StepFunctions::StateMachine").values():
        which = machine["StateMachineName"].rsplit("-", 1)[-1]
        same_as_snapshot(f"{which}.asl.json", json.loads(machine["DefinitionString"]))
