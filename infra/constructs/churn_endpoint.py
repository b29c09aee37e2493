"""The churn model behind a SageMaker endpoint: Model, EndpointConfig and Endpoint on the champion's key.

Promotion writes that key and rolls the endpoint to a fresh config; since none of that is in the template, a later
deployment leaves the promoted model in place.
"""

from aws_cdk import Aws, CfnMapping, Fn
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.access import Access, Permission, key_statement
from infra.acknowledgements import acknowledge_patterns
from infra.names import CHAMPION_KEY, Names

IMAGE = "sagemaker-scikit-learn:1.9-0-cpu-py3"  # train and serve in the same one
_VARIANT = "AllTraffic"

# Who owns the prebuilt image in each region: image_uri_config/sklearn.json of the SageMaker Python SDK, version 1.9-0.
_REGISTRIES = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


class ChurnEndpoint(Construct):
    def __init__(self, scope: Construct, *, names: Names, key: kms.IKey) -> None:
        super().__init__(scope, "ChurnEndpoint")
        size = names.config.endpoint
        registry = CfnMapping(self, "Registries", mapping={region: {"account": a} for region, a in _REGISTRIES.items()})
        account = Fn.find_in_map(registry.logical_id, Aws.REGION, "account")
        role = self._role(names, key, account)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=f"{account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{IMAGE}",
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

    def _role(self, names: Names, key: kms.IKey, registry: str) -> iam.Role:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createmodel-perms"""
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            description=f"What the container of {names.endpoint} may touch",
        )
        log_groups = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group"
        logs = f"{log_groups}:/aws/sagemaker/Endpoints/{names.endpoint}"
        permissions = (
            Access(names).models("GetObject", CHAMPION_KEY),
            Permission(
                ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
                (f"arn:{Aws.PARTITION}:ecr:{Aws.REGION}:{registry}:repository/sagemaker-scikit-learn",),
            ),
            Permission(("ecr:GetAuthorizationToken",), ("*",), reason="the registry's login has no resource"),
            Permission(
                ("cloudwatch:PutMetricData",),
                ("*",),
                conditions={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
                reason="metrics have no resource; the namespace limits them",
            ),
            Permission(
                ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
                (logs, f"{logs}:log-stream:*"),
                reason="SageMaker names a log stream when an instance starts",
            ),
        )
        for permission in permissions:
            role.add_to_policy(permission.statement())
            acknowledge_patterns(role, permission)
        through_key = key_statement(permissions, key.key_arn)
        assert through_key is not None
        role.add_to_policy(through_key)
        return role

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
