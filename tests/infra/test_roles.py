"""Who may do what. The whole table is a snapshot: a widened permission shows in review as a changed line."""

from collections.abc import Callable
from typing import Any

from infra.config import STAGES
from tests.infra.conftest import Stage
from tests.infra.readable import functions_by_role, permissions, policies_of_roles, texts


def test_no_role_has_a_wildcard_action(each_stage: Stage) -> None:
    actions = {
        (role, action) for role, statement in policies_of_roles(each_stage) for action in texts(statement["Action"])
    }

    assert actions
    assert [found for found in actions if "*" in found[1]] == []


def test_no_role_reaches_every_resource_except_for_actions_that_have_none(each_stage: Stage) -> None:
    without_resource = {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "ses:GetAccount",
        "sns:Publish",  # of a text: a number is no resource
        "sns:GetSMSAttributes",
        "sns:GetSMSSandboxAccountStatus",
        "sms-voice:DescribeAccountAttributes",
        "ecr:GetAuthorizationToken",
        "cloudwatch:PutMetricData",
        # Log delivery, which Step Functions sets up itself.
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    }
    wide = {
        action
        for _, statement in policies_of_roles(each_stage)
        if "*" in texts(statement["Resource"])
        for action in texts(statement["Action"])
    }

    assert wide <= without_resource


def test_every_function_has_a_role_of_its_own(each_stage: Stage) -> None:
    functions = each_stage.properties("AWS::Lambda::Function")

    assert len(functions_by_role(each_stage)) == len(functions)


def test_the_table_of_permissions_is_as_reviewed(prod: Stage, same_as_snapshot: Callable[[str, Any], None]) -> None:
    same_as_snapshot("permissions.json", permissions(prod))


def test_only_the_sender_sends_mail(prod: Stage) -> None:
    senders = [name for name, lines in permissions(prod).items() if any(line.startswith("ses:Send") for line in lines)]

    assert senders == ["winback-prod-sender"]


def test_only_the_sender_and_the_unsubscribe_page_read_the_signing_key(prod: Stage) -> None:
    readers = [name for name, lines in permissions(prod).items() if any("GetSecretValue" in line for line in lines)]

    assert readers == ["winback-prod-sender", "winback-prod-unsubscribe"]


def test_no_function_scans_a_table(prod: Stage) -> None:
    assert [line for lines in permissions(prod).values() for line in lines if "dynamodb:Scan" in line] == []


def test_the_key_is_used_only_through_services(each_stage: Stage) -> None:
    for role, statement in policies_of_roles(each_stage):
        uses = [action for action in texts(statement["Action"]) if action.startswith("kms:")]
        consumer = set(uses) == {"kms:Decrypt"}  # a queue's reader: granted by the event source
        # A training job's disk: the grant is for the service's own resource.
        grants = set(uses) == {"kms:CreateGrant"} and "kms:GrantIsForAWSResource" in str(statement.get("Condition"))
        assert not uses or consumer or grants or "kms:ViaService" in str(statement.get("Condition")), role


def test_the_simulated_clock_is_readable_in_the_local_stage_alone(stage: Callable[[str], Stage]) -> None:
    clocks = {
        name: any("clock" in line for lines in permissions(stage(name)).values() for line in lines) for name in STAGES
    }

    assert clocks == {"local": True, "dev": False, "prod": False}
