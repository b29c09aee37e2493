"""What differs between stages, as data: the stacks read these fields and never ask for a stage's name."""

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Hosting = Literal["serverless", "provisioned"]
Removal = Literal["retain", "destroy"]
Engine = Literal["auto", "lambda", "spark"]
ReadContext = Callable[[str], object]


class InvalidContext(ValueError):
    """A CDK context value (`-c name=value`) is not usable."""


@dataclass(frozen=True)
class Target:
    """Where function code runs; decides which wheels are bundled."""

    python: str  # Lambda runtime version, such as 3.14
    architecture: Literal["arm64", "x86_64"]
    uv_platform: str | None  # --python-platform; None installs for this machine


# https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark800-release.html
EMR_SERVERLESS = Target(python="3.11", architecture="arm64", uv_platform="aarch64-manylinux_2_28")
AWS_LAMBDA = Target(python="3.14", architecture="arm64", uv_platform="aarch64-manylinux_2_28")


def this_machine() -> Target:
    """The emulator runs functions on this machine's own Python."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return Target(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture="arm64" if arm else "x86_64",
        uv_platform=None,
    )


@dataclass(frozen=True)
class EndpointSize:
    """Serverless inference pays per call; provisioned instances pay per hour and scale between the two counts."""

    hosting: Hosting = "serverless"
    memory_mb: int = 2048
    max_concurrency: int = 40
    """Calls at a time, beyond which serverless inference refuses. They cost nothing to have; a quota of the region
    bounds their sum: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    instance_type: str = "ml.m5.large"
    min_instances: int = 1
    max_instances: int = 4
    calls_per_instance: int = 200  # per minute, the autoscaling target


@dataclass(frozen=True)
class SparkSize:
    """What one job on EMR Serverless may take; nothing runs, and nothing is paid, between jobs."""

    release: str = "emr-spark-8.0.0"  # Spark 4.0, as pyspark in pyproject.toml
    worker_vcpus: int = 4
    worker_memory_gb: int = 14  # with Spark's overhead of a tenth it fits EMR Serverless's 16 GB
    worker_disk_gb: int = 100
    most_vcpus: int = 64
    idle_minutes: int = 5  # then the application stops
    most_minutes: int = 120


@dataclass(frozen=True)
class StageConfig:
    stage: str

    # Life of data
    removal: Removal = "retain"
    termination_protection: bool = True
    log_retention_days: int = 30
    noncurrent_version_days: int = 30
    upload_days: int = 90  # raw uploads are kept this long; the lake holds what was accepted

    # Safety
    enforce_tls: bool = True
    access_logs: bool = True  # S3 and API Gateway
    nag: bool = True
    waf: bool = False
    waf_requests_per_ip: int = 2_000  # in five minutes

    # Watching
    tracing: bool = True
    log_level: str = "INFO"
    alarm_email: str | None = None

    # Load
    api_rate: int = 100
    api_burst: int = 200
    send_concurrency: int = 10
    import_concurrency: int = 5
    feedback_concurrency: int = 10
    feedback_seconds: int = 5  # for so long events are gathered before a function is called, at most
    export_seconds: int = 300  # for so long changes of the ledger are gathered into one object of the lake, at most
    chunk_concurrency: int = 40  # children of a distributed map at a time
    account_concurrency: int = 10
    training_poll_seconds: int = 60  # how often a workflow asks after its training job, or an endpoint that it moves
    bake_seconds: int = 600  # a promoted model's old fleet stays for so long, while the endpoint's alarm is watched
    reserve_concurrency: bool = False
    redelivery_factor: int = 6  # a queue's visibility timeout over its function's timeout, as AWS advises
    timeout_ceiling_seconds: int = 900

    # Where a refresh is computed: in one function, on Spark, or on Spark from so many orders on
    engine: Engine = "auto"
    spark_from_orders: int = 30_000_000
    spark: SparkSize = SparkSize()

    # Sending
    sender_domain: str = "mail.example.com"
    ses_tenants: bool = False
    ses_pool: str | None = None  # an existing pool of dedicated addresses that the stage's mail leaves from
    texts: bool = False
    """Whether texts are sent and their fate is followed. Of all stages in one region of an AWS account only one may:
    SNS writes what became of texts into log groups whose names it fixes."""
    text_origination_identity: str | None = None  # number, pool or sender id of AWS End User Messaging; else SNS

    channel_rates: Mapping[str, float] = field(
        default_factory=lambda: {"sms": 10.0, "push": 50.0, "webhook": 10.0, "call": 100.0}
    )
    """Messages a second of the channels whose provider does not say, as SES does, how many it takes: what quotas of
    the AWS account (https://docs.aws.amazon.com/general/latest/gr/sns.html) and the receiving systems allow."""

    # What the emulator lacks or the local stage replaces
    scheduler: bool = True
    sagemaker_resources: bool = True
    seed_champion: bool = True
    cli_credentials: bool = False
    batches_have_own_action: bool = False  # the emulator asks for sqs:SendMessageBatch, which AWS does not know
    clock_source: Literal["system", "table"] = "system"
    endpoint_overrides: Mapping[str, str] = field(default_factory=dict)  # environment variables of every function

    target: Target = AWS_LAMBDA
    endpoint: EndpointSize = EndpointSize()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"winback-{self.stage}"

    @property
    def has_spark(self) -> bool:
        return self.engine != "lambda"

    @property
    def score_concurrency(self) -> int:
        """Parts of one account that are scored at a time: those of all accounts together are as many calls as the
        endpoint takes, or it would refuse calls while nothing is wrong with it."""
        return max(1, min(self.chunk_concurrency, self.endpoint.max_concurrency // self.account_concurrency))

    def seconds(self, wanted: int) -> int:
        """A function's timeout under the stage's ceiling."""
        return min(wanted, self.timeout_ceiling_seconds)


def _tags(stage: str) -> dict[str, str]:
    return {"application": "winback", "stage": stage}


def _stages() -> dict[str, StageConfig]:
    return {
        "local": StageConfig(
            stage="local",
            removal="destroy",
            termination_protection=False,
            log_retention_days=1,
            noncurrent_version_days=1,
            upload_days=7,
            enforce_tls=False,  # the emulator speaks plain HTTP
            access_logs=False,
            nag=False,
            tracing=False,
            send_concurrency=2,
            import_concurrency=2,
            feedback_concurrency=2,
            feedback_seconds=1,
            export_seconds=2,
            chunk_concurrency=4,
            account_concurrency=2,
            training_poll_seconds=1,
            bake_seconds=0,
            redelivery_factor=1,
            timeout_ceiling_seconds=120,  # a killed worker's message comes back after this
            engine="lambda",
            scheduler=False,
            sagemaker_resources=False,
            seed_champion=False,  # the CDK's asset bucket refuses plain HTTP
            cli_credentials=True,
            batches_have_own_action=True,
            clock_source="table",
            target=this_machine(),
            tags=_tags("local"),
        ),
        "dev": StageConfig(
            stage="dev",
            removal="destroy",
            log_retention_days=14,
            api_rate=20,
            api_burst=40,
            sender_domain="dev.mail.example.com",
            tags=_tags("dev"),
        ),
        "prod": StageConfig(
            stage="prod",
            log_retention_days=90,
            waf=True,
            ses_tenants=True,
            texts=True,
            reserve_concurrency=True,
            tags=_tags("prod"),
        ),
    }


STAGES = ("local", "dev", "prod")

# Context value -> environment variable that points an AWS client, or what is sent to webhooks, at another server.
_OVERRIDES = {
    "sesv2_endpoint": "AWS_ENDPOINT_URL_SESV2",
    "texts_endpoint": "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2",
    "webhook_stand_in": "WEBHOOK_STAND_IN",
    "sagemaker_endpoint": "AWS_ENDPOINT_URL_SAGEMAKER",
    "sagemaker_runtime_endpoint": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
}


def stage_config(read: ReadContext) -> StageConfig:
    """The stage that the CDK context names (`-c stage=dev|prod|local`, default dev), with what else the context
    overrides: `sender_domain`, `ses_pool`, `text_origination_identity`, `alarm_email`, `endpoint_hosting`, `engine`,
    and for the local stage `sesv2_endpoint`, `texts_endpoint`, `webhook_stand_in`, `sagemaker_endpoint` and
    `sagemaker_runtime_endpoint`. Raises InvalidContext."""
    stage = read("stage") or "dev"
    config = _stages().get(str(stage))
    if config is None:
        raise InvalidContext(f"context stage={stage}: expected one of {', '.join(STAGES)}")
    overrides = {variable: str(read(name)) for name, variable in _OVERRIDES.items() if read(name)}
    if overrides and stage != "local":
        raise InvalidContext(f"context {', '.join(_OVERRIDES)}: only the local stage replaces endpoints")
    hosting = read("endpoint_hosting")
    if hosting is not None:
        if hosting not in ("serverless", "provisioned"):
            raise InvalidContext(f"context endpoint_hosting={hosting}: expected serverless or provisioned")
        config = replace(config, endpoint=replace(config.endpoint, hosting=hosting))
    engine = read("engine")
    if engine is not None:
        if engine not in ("auto", "lambda", "spark"):
            raise InvalidContext(f"context engine={engine}: expected auto, lambda or spark")
        config = replace(config, engine=engine)
    return replace(
        config,
        endpoint_overrides=overrides,
        sender_domain=str(read("sender_domain") or config.sender_domain),
        ses_pool=str(read("ses_pool")) if read("ses_pool") else config.ses_pool,
        text_origination_identity=str(read("text_origination_identity"))
        if read("text_origination_identity")
        else config.text_origination_identity,
        alarm_email=str(read("alarm_email")) if read("alarm_email") else config.alarm_email,
    )
