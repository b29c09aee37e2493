"""A kind of model behind a SageMaker endpoint: Model, EndpointConfig and Endpoint on the champion's key.

Promotion writes that key and moves the endpoint to a configuration of its own (winback/aws/rollout.py); since none of
that is in the template, a later deployment leaves the promoted model in place. One that changes the endpoint's size
makes a fresh configuration on the champion's key, which holds the promoted model.
"""

from aws_cdk import Aws, Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.access import Access, Permission
from infra.constructs.alarm import raise_alarm
from infra.constructs.scikit_container import ScikitContainer, container_role, report
from infra.names import Names, champion_key

_VARIANT = "AllTraffic"


class ModelEndpoint(Construct):
    """Role and alarm of every stage; model, configuration and endpoint where the stage has SageMaker."""

    def __init__(self, scope: Construct, kind: str, *, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, f"{''.join(part.title() for part in kind.split('_'))}Endpoint")
        self._names, self._kind, self._name = names, kind, names.endpoint(kind)
        self._alarm()
        container = ScikitContainer(self) if names.config.sagemaker_resources else None
        role = self._role(key, container)
        if container is not None:
            self._serve(container, role, key)

    def _alarm(self) -> None:
        """What a promotion is watched by, too: SageMaker takes it back while this is in alarm."""
        name = self._names.endpoint_alarm(self._kind)
        raise_alarm(
            self,
            "ErrorsAlarm",
            names=self._names,
            name=name,
            says=f"{self._name} answers with errors of its own. Customers keep their last scores. If a model was "
            "promoted just now, it is taken back by itself; else revert by hand (runbook, Models).",
            metric=cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name="Invocation5XXErrors",
                dimensions_map={"EndpointName": self._name, "VariantName": _VARIANT},
                statistic="Sum",
                period=Duration.minutes(1),
            ),
            threshold=3,
        )

    def _role(self, key: kms.IKey, container: ScikitContainer | None) -> iam.Role:
        """Named, because promotions pass it to models of their own."""
        access, logs = Access(self._names), "/aws/sagemaker/Endpoints"
        return container_role(
            self,
            (
                access.models("GetObject", champion_key(self._kind), f"{self._kind}/models/*"),
                Permission(
                    ("cloudwatch:DescribeAlarms",), (self._names.alarm_arn(self._names.endpoint_alarm(self._kind)),)
                ),
                *(container.pull() if container is not None else ()),
                *report(f"{logs}/{self._name}", logs),
            ),
            says=f"What the container of {self._name} may touch",
            key_arn=key.key_arn,
            name=self._names.endpoint_role(self._kind),
        )

    def _serve(self, container: ScikitContainer, role: iam.Role, key: kms.IKey) -> None:
        names, size = self._names, self._names.config.endpoint
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=container.image,
                model_data_url=f"s3://{names.bucket('models')}/{champion_key(self._kind)}",
                environment={
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    "SAGEMAKER_REGION": Aws.REGION,
                },
            ),
        )
        model.node.add_dependency(role)
        variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty
        serverless = size.hosting == "serverless"
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=None if serverless else key.key_arn,  # serverless hosting has no volume of its own to encrypt
            production_variants=[
                variant(
                    model_name=model.attr_model_name,
                    variant_name=_VARIANT,
                    serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                        max_concurrency=size.max_concurrency, memory_size_in_mb=size.memory_mb
                    ),
                )
                if serverless
                else variant(
                    model_name=model.attr_model_name,
                    variant_name=_VARIANT,
                    instance_type=size.instance_type,
                    initial_instance_count=size.min_instances,
                    initial_variant_weight=1,
                )
            ],
        )
        self.endpoint = sagemaker.CfnEndpoint(
            self, "Endpoint", endpoint_name=self._name, endpoint_config_name=config.attr_endpoint_config_name
        )
        if not serverless:
            self._scale()

    def _scale(self) -> None:
        """Instances follow the calls that each has to answer."""
        size = self._names.config.endpoint
        target = autoscaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{self._name}/variant/{_VARIANT}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=size.min_instances,
            max_capacity=size.max_instances,
        )
        target.node.add_dependency(self.endpoint)
        target.scale_to_track_metric(
            "CallsPerInstance",
            target_value=size.calls_per_instance,
            predefined_metric=autoscaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE,
        )
