"""The churn model behind a SageMaker endpoint: Model, EndpointConfig and Endpoint on the champion's key.

Promotion writes that key and rolls the endpoint to a fresh config; since none of that is in the template, a later
deployment leaves the promoted model in place.
"""

from aws_cdk import Aws
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.access import Access
from infra.constructs.scikit_container import ScikitContainer, container_role, report
from infra.names import CHAMPION_KEY, Names

_VARIANT = "AllTraffic"


class ChurnEndpoint(Construct):
    def __init__(self, scope: Construct, *, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, "ChurnEndpoint")
        size = names.config.endpoint
        container = ScikitContainer(self)
        endpoints = "/aws/sagemaker/Endpoints"
        role = container_role(
            self,
            (
                Access(names).models("GetObject", CHAMPION_KEY),
                *container.pull(),
                *report(f"{endpoints}/{names.endpoint}", endpoints),
            ),
            says=f"What the container of {names.endpoint} may touch",
            key_arn=key.key_arn,
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=container.image,
                model_data_url=f"s3://{names.bucket('models')}/{CHAMPION_KEY}",
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
            self, "Endpoint", endpoint_name=names.endpoint, endpoint_config_name=config.attr_endpoint_config_name
        )
        if not serverless:
            self._scale(names)

    def _scale(self, names: Names) -> None:
        """Instances follow the calls that each has to answer."""
        size = names.config.endpoint
        target = autoscaling.ScalableTarget(
            self,
            "Scaling",
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{names.endpoint}/variant/{_VARIANT}",
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
