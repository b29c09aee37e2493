"""SageMaker's prebuilt scikit-learn container: its image in each region, and what running it takes.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from aws_cdk import Aws, CfnMapping, Fn
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.access import Permission, key_statement
from infra.acknowledgements import acknowledge_patterns

IMAGE = "sagemaker-scikit-learn:1.9-0-cpu-py3"  # train and serve in the same one

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


class ScikitContainer(Construct):
    """Where the image is, as the template resolves it in the region of its deployment."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "ScikitContainer")
        registry = CfnMapping(self, "Registries", mapping={region: {"account": a} for region, a in _REGISTRIES.items()})
        self._account = Fn.find_in_map(registry.logical_id, Aws.REGION, "account")

    @property
    def image(self) -> str:
        return f"{self._account}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{IMAGE}"

    def pull(self) -> tuple[Permission, ...]:
        return (
            Permission(
                ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
                (f"arn:{Aws.PARTITION}:ecr:{Aws.REGION}:{self._account}:repository/sagemaker-scikit-learn",),
            ),
            Permission(("ecr:GetAuthorizationToken",), ("*",), reason="the registry's login has no resource"),
        )


def report(log_group: str, metrics_namespace: str) -> tuple[Permission, ...]:
    """Its log streams, and its metrics."""
    logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:{log_group}"
    return (
        Permission(
            ("cloudwatch:PutMetricData",),
            ("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": metrics_namespace}},
            reason="metrics have no resource; the namespace limits them",
        ),
        Permission(
            ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            (logs, f"{logs}:log-stream:*"),
            reason="SageMaker names a log stream when an instance starts",
        ),
    )


def container_role(
    scope: Construct, permissions: tuple[Permission, ...], *, says: str, key_arn: str, name: str | None = None
) -> iam.Role:
    """What SageMaker's containers may touch, and nothing else."""
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal(
            "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        ),
        description=says,
        role_name=name,
    )
    for permission in permissions:
        role.add_to_policy(permission.statement())
        acknowledge_patterns(role, permission)
    through_key = key_statement(permissions, key_arn)
    assert through_key is not None
    role.add_to_policy(through_key)
    return role
