"""A schedule that starts a workflow, and whose misses land in dead letters with an alarm."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.access import Access, key_statement
from infra.acknowledgements import acknowledge
from infra.constructs.queue import dead_letters
from infra.names import Names


class Schedule(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        names: Names,
        key: kms.IKey,
        workflow: str,
        expression: str,
        does: str,
        queue: str,
        workflow_input: str = "{}",
    ) -> None:
        """`winback-{stage}-{name}` in UTC, off where the stage has no scheduler. `queue` names the dead letters."""
        super().__init__(scope, "".join(part.title() for part in name.split("-")))
        access = Access(names)
        dead = dead_letters(self, queue, names=names, key=key)
        acknowledge(dead, "AwsSolutions-SQS3", "it holds the dead letters of the schedule itself")
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            description=does,
        )
        permissions = (access.start(workflow), access.send_message(f"{queue}-dead"))
        for permission in permissions:
            role.add_to_policy(permission.statement())
        through_key = key_statement(permissions, key.key_arn)
        assert through_key is not None
        role.add_to_policy(through_key)
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name=names.of(name),
            description=does,
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            state="ENABLED" if names.config.scheduler else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=names.workflow_arn(workflow),
                role_arn=role.role_arn,
                input=workflow_input,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=12 * 3600, maximum_retry_attempts=20
                ),
            ),
        )
