"""Physical names, fixed by stage, so that stacks refer to each other by name (docs/architecture.md, Names)."""

from dataclasses import dataclass

from aws_cdk import Aws

from infra.config import StageConfig

KINDS = ("churn", "offer", "send_time")
"""Kinds of model: the folders of ml/, and the first part of their keys in the models bucket."""

WORK_OF_WORKFLOWS = "workflows"
"""First part of the lake's keys that workflows and their first functions pass on; they expire."""


def champion_key(kind: str) -> str:
    return f"{kind}/champion/model.tar.gz"


def account_lists(workflow: str) -> str:
    """Pattern of the lake's keys with the accounts that a workflow goes through (winback/aws/account_lists.py)."""
    return f"{WORK_OF_WORKFLOWS}/{workflow}/accounts/*"


def dashed(name: str) -> str:
    return name.replace("_", "-")


def _arn(service: str, rest: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{rest}"


@dataclass(frozen=True)
class Names:
    config: StageConfig

    def of(self, thing: str) -> str:
        """`winback-{stage}-{thing}`: tables, queues, workflows, topics."""
        return f"{self.config.prefix}-{thing}"

    def bucket(self, which: str) -> str:
        return f"{self.of(which)}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def bucket_arn(self, which: str) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket(which)}"

    def table_arn(self, which: str) -> str:
        return _arn("dynamodb", f"table/{self.of(which)}")

    def queue_arn(self, which: str) -> str:
        return _arn("sqs", self.of(which))

    def workflow_arn(self, which: str) -> str:
        return _arn("states", f"stateMachine:{self.of(which)}")

    def execution_arns(self, which: str) -> str:
        return _arn("states", f"execution:{self.of(which)}:*")

    def map_results(self, which: str) -> str:
        """Prefix in the lake of what the children of a workflow's distributed maps answered."""
        return f"{WORK_OF_WORKFLOWS}/{which}/results"

    def map_run_arns(self, which: str) -> str:
        return _arn("states", f"execution:{self.of(which)}/*")

    def function(self, folder: str) -> str:
        return self.of(dashed(folder))

    @property
    def event_bus(self) -> str:
        """What happens here, for campaigns and for others to listen to."""
        return self.config.prefix

    @property
    def event_bus_arn(self) -> str:
        return _arn("events", f"event-bus/{self.event_bus}")

    def endpoint(self, kind: str) -> str:
        """A hosting kind cannot be changed in place, so it is part of the name."""
        return self.of(f"{dashed(kind)}-{self.config.endpoint.hosting}")

    def endpoint_arn(self, kind: str) -> str:
        return _arn("sagemaker", f"endpoint/{self.endpoint(kind)}")

    def endpoint_parts_arns(self, kind: str) -> tuple[str, ...]:
        """Models and endpoint configurations that promotions make: named by the endpoint and their run."""
        return tuple(_arn("sagemaker", f"{part}/{self.endpoint(kind)}-*") for part in ("model", "endpoint-config"))

    @property
    def any_model_arn(self) -> str:
        return _arn("sagemaker", "model/*")

    @property
    def any_endpoint_config_arn(self) -> str:
        return _arn("sagemaker", "endpoint-config/*")

    def endpoint_alarm(self, kind: str) -> str:
        return f"{dashed(kind)}-endpoint-errors"

    def alarm_arn(self, which: str) -> str:
        return _arn("cloudwatch", f"alarm:{self.of(which)}")

    def endpoint_role(self, kind: str) -> str:
        """A role is known in all regions, so its name says which it serves."""
        return f"{self.of(dashed(kind))}-endpoint-{Aws.REGION}"

    def endpoint_role_arn(self, kind: str) -> str:
        return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{self.endpoint_role(kind)}"

    def training_jobs_arn(self, of: str) -> str:
        return _arn("sagemaker", f"training-job/{self.of(of)}-*")

    @property
    def configuration_set(self) -> str:
        return self.config.prefix

    @property
    def configuration_set_arn(self) -> str:
        return _arn("ses", f"configuration-set/{self.configuration_set}")

    @property
    def tenant_arns(self) -> str:
        return _arn("ses", "tenant/*")

    @property
    def secret(self) -> str:
        return self.of("unsubscribe")

    @property
    def secret_arns(self) -> str:
        """Secrets Manager appends six random characters to the name."""
        return _arn("secretsmanager", f"secret:{self.secret}-??????")

    @property
    def webhook_secret_arns(self) -> str:
        """Signing keys of accounts' webhooks; an operator makes each under such a name."""
        return _arn("secretsmanager", f"secret:{self.of('webhook')}-*")

    @property
    def text_configuration_set(self) -> str:
        """Of AWS End User Messaging."""
        return self.config.prefix

    @property
    def text_log_groups(self) -> tuple[str, str]:
        """Where SNS writes what became of texts, and of those that failed. It fixes the names, one pair for a region of
        an AWS account: https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html"""
        group = f"sns/{Aws.REGION}/{Aws.ACCOUNT_ID}/DirectPublishToPhoneNumber"
        return group, f"{group}/Failure"

    @property
    def text_log_group_arns(self) -> tuple[str, ...]:
        return tuple(_arn("logs", f"log-group:{group}") for group in self.text_log_groups)

    @property
    def alarm_topic_arn(self) -> str:
        return _arn("sns", self.of("alarms"))

    def parameter(self, which: str) -> str:
        return f"/winback/{self.config.stage}/{which}"
