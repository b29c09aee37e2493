"""Physical names, fixed by stage, so that stacks refer to each other by name (docs/architecture.md, Names)."""

from dataclasses import dataclass

from aws_cdk import Aws

from infra.config import StageConfig

CHAMPION_KEY = "churn/champion/model.tar.gz"


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

    def map_run_arns(self, which: str) -> str:
        return _arn("states", f"execution:{self.of(which)}/*")

    def function(self, folder: str) -> str:
        return self.of(folder.replace("_", "-"))

    @property
    def event_bus(self) -> str:
        """What happens here, for campaigns and for others to listen to."""
        return self.config.prefix

    @property
    def event_bus_arn(self) -> str:
        return _arn("events", f"event-bus/{self.event_bus}")

    @property
    def endpoint(self) -> str:
        """A hosting kind cannot be changed in place, so it is part of the name."""
        return self.of(f"churn-{self.config.endpoint.hosting}")

    @property
    def endpoint_arn(self) -> str:
        return _arn("sagemaker", f"endpoint/{self.endpoint}")

    @property
    def configuration_set(self) -> str:
        return self.config.prefix

    @property
    def configuration_set_arn(self) -> str:
        return _arn("ses", f"configuration-set/{self.configuration_set}")

    @property
    def identity_arn(self) -> str:
        return _arn("ses", f"identity/{self.config.sender_domain}")

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
    def alarm_topic_arn(self) -> str:
        return _arn("sns", self.of("alarms"))

    def parameter(self, which: str) -> str:
        return f"/winback/{self.config.stage}/{which}"
