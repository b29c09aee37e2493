"""One Step Functions workflow: its definition, its role, its log and its alarm."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.access import Access, Permission, key_statement
from infra.acknowledgements import acknowledge, acknowledge_patterns
from infra.constructs.alarm import raise_alarm
from infra.constructs.python_function import PythonFunction, log_retention
from infra.names import Names


class Workflow(Construct):
    def __init__(
        self,
        scope: Construct,
        which: str,
        definition: Mapping[str, Any],
        *,
        names: Names,
        key: kms.IKey,
        functions: Mapping[str, PythonFunction],
        manifests: tuple[str, ...],
        after_failure: str,
        more_permissions: tuple[Permission, ...] = (),
        more_substitutions: Mapping[str, str] | None = None,
    ) -> None:
        """`winback-{stage}-{which}`. `functions` by folder, as the definition's placeholders name them; `manifests` are
        patterns of the lake keys that its distributed maps read; `after_failure` goes into the alarm."""
        super().__init__(scope, f"{which.title()}Workflow")
        config = names.config
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{names.of(which)}",
            retention=log_retention(config.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            description=f"What the workflow {names.of(which)} may touch",
        )
        permissions = (*_permissions(names, which, functions, manifests), *more_permissions)
        for permission in permissions:
            role.add_to_policy(permission.statement())
            acknowledge_patterns(role, permission)
        through_key = key_statement(permissions, key.key_arn)
        if through_key is not None:
            role.add_to_policy(through_key)
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", "log delivery and X-Ray actions have no resource")
        self.machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=names.of(which),
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition)),
            definition_substitutions={
                "lake": names.bucket("lake"),
                "results": names.map_results(which),
                **{folder: function.function.function_arn for folder, function in functions.items()},
                **(more_substitutions or {}),
            },
            role=role,
            # Data of executions stays out of the log, though it is ids only: a mistake there must not become a leak.
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ERROR, include_execution_data=False),
            tracing_enabled=config.tracing,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "a standard execution keeps its whole history for 90 days; the log adds the errors, not every event again",
        )
        raise_alarm(
            self,
            "FailedAlarm",
            names=names,
            name=f"{which}-failed",
            says=f"An execution of {names.of(which)} failed. {after_failure}",
            metric=self.machine.metric_failed(period=Duration.minutes(5), statistic="Sum"),
            threshold=1,
        )


def _permissions(
    names: Names, which: str, functions: Mapping[str, PythonFunction], manifests: tuple[str, ...]
) -> tuple[Permission, ...]:
    """Its functions, its manifests, the results and the child executions of its distributed maps
    (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html)."""
    children = "executions and map runs get their names when they start"
    return (
        Permission(
            ("lambda:InvokeFunction",), tuple(function.function.function_arn for function in functions.values())
        ),
        Access(names).read_lake(*manifests),
        Access(names).write_map_results(which),
        Access(names).start(which),
        Permission(
            ("states:DescribeExecution", "states:StopExecution"), (names.execution_arns(which),), reason=children
        ),
        Permission(("states:RedriveExecution",), (names.map_run_arns(which),), reason=children),
    )
