"""The application on EMR Serverless that computes the largest accounts' refreshes, its job's role, code and log."""

from typing import Any

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.access import Access, Permission, key_statement
from infra.acknowledgements import acknowledge_patterns
from infra.bundling import ROOT, spark_package
from infra.config import EMR_SERVERLESS
from infra.constructs.python_function import log_retention
from infra.names import Names

ENTRY = ROOT / "winback" / "spark" / "entry.py"
INPUTS = ("orders/*", "rates/*", "engagement/*", "customers/*")
FOLDER = "job"
"""Where Spark unpacks the package, below the driver's working directory; winback/spark/entry.py imports from there."""


class SparkJob(Construct):
    def __init__(self, scope: Construct, *, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, "SparkJob")
        self._size = names.config.spark
        self._entry = assets.Asset(self, "Entry", path=str(ENTRY))
        self._package = spark_package(self, EMR_SERVERLESS)
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/emr-serverless/{names.of('refresh')}",
            retention=log_retention(names.config.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.application = self._application(names, log)
        self.role = self._role(names, key, log)

    def _application(self, names: Names, log: logs.LogGroup) -> emr.CfnApplication:
        size = self._size
        application = emr.CfnApplication
        return emr.CfnApplication(
            self,
            "Application",
            name=names.of("refresh"),
            type="SPARK",
            release_label=size.release,
            architecture="ARM64",
            auto_start_configuration=application.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=application.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=size.idle_minutes
            ),
            maximum_capacity=application.MaximumAllowedResourcesProperty(
                cpu=f"{size.most_vcpus} vCPU",
                memory=f"{size.most_vcpus * 4} GB",
                disk=f"{size.most_vcpus // size.worker_vcpus * size.worker_disk_gb} GB",
            ),
            monitoring_configuration=application.MonitoringConfigurationProperty(
                cloud_watch_logging_configuration=application.CloudWatchLoggingConfigurationProperty(
                    enabled=True, log_group_name=log.log_group_name
                ),
                # Else the service keeps a copy of the logs of its own.
                managed_persistence_monitoring_configuration=application.ManagedPersistenceMonitoringConfigurationProperty(
                    enabled=False
                ),
            ),
        )

    def _role(self, names: Names, key: kms.IKey, log: logs.LogGroup) -> iam.Role:
        """Orders, rates, touches and profiles in, one refresh's objects out; no table, no queue, nobody else's code."""
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "emr-serverless.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": self.application.attr_arn},
                },
            ),
            description=f"What a job of {names.of('refresh')} may touch",
        )
        access = Access(names)
        permissions = (
            access.read_lake(*INPUTS, "refresh/*"),
            access.write_lake("refresh/*"),
            access.delete_lake("refresh/*"),  # what an earlier attempt left, and Spark's own temporary objects
            access.list_lake(*INPUTS, "refresh/*"),
            Permission(("s3:GetObject",), tuple(self._asset_arn(asset) for asset in (self._entry, self._package))),
            Permission(
                ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
                (log.log_group_arn,),
            ),
            Permission(
                ("logs:DescribeLogGroups",),
                ("*",),
                reason="the service looks for the group among all: it has no resource",
            ),
        )
        for permission in permissions:
            role.add_to_policy(permission.statement())
            acknowledge_patterns(role, permission)
        through_key = key_statement(permissions, key.key_arn)
        assert through_key is not None
        role.add_to_policy(through_key)
        return role

    @staticmethod
    def _asset_arn(asset: assets.Asset) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}"

    def permissions(self) -> tuple[Permission, ...]:
        """What a workflow needs to run the job and wait for it
        (https://docs.aws.amazon.com/step-functions/latest/dg/emr-serverless-iam.html)."""
        rule = "rule/StepFunctionsGetEventsForEMRServerlessJobRule"
        return (
            Permission(("emr-serverless:StartJobRun",), (self.application.attr_arn,)),
            Permission(
                ("emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"),
                (f"{self.application.attr_arn}/jobruns/*",),
                reason="job runs get their ids when they start",
            ),
            Permission(
                ("iam:PassRole",),
                (self.role.role_arn,),
                conditions={"StringLike": {"iam:PassedToService": "emr-serverless.amazonaws.com"}},
            ),
            Permission(
                ("events:PutTargets", "events:PutRule", "events:DescribeRule"),
                (f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:{rule}",),
            ),
        )

    def substitutions(self) -> dict[str, str]:
        """What stands for the placeholders of infra/workflows/refresh.py."""
        return {
            "spark_application": self.application.attr_application_id,
            "spark_role": self.role.role_arn,
            "spark_entry": self._entry.s3_object_url,
            "spark_parameters": " ".join(f"--conf {name}={value}" for name, value in self._settings().items()),
        }

    def _settings(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html"""
        size = self._size
        python = f"/usr/bin/python{EMR_SERVERLESS.python}"
        settings: dict[str, Any] = {
            "spark.archives": f"{self._package.s3_object_url}#{FOLDER}",
            "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
            "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
            "spark.executorEnv.PYSPARK_PYTHON": python,
        }
        for worker in ("driver", "executor"):
            settings[f"spark.{worker}.cores"] = size.worker_vcpus
            settings[f"spark.{worker}.memory"] = f"{size.worker_memory_gb}g"
            settings[f"spark.emr-serverless.{worker}.disk"] = f"{size.worker_disk_gb}g"
        return settings
