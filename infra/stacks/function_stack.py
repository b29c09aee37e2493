"""A stack whose substance is functions: it makes them from their table, and shares the packages among them."""

import json
from collections.abc import Iterable, Mapping

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundling import PackageKind, package_code
from infra.constructs.python_function import FunctionSpec, PythonFunction
from infra.names import KINDS, Names
from infra.stacks.data import customer_key
from infra.stacks.stage_stack import StageStack


class FunctionStack(StageStack):
    def __init__(self, scope: Construct, which: str, names: Names) -> None:
        super().__init__(scope, which, names)
        self.key = customer_key(self, names)
        self.functions: dict[str, PythonFunction] = {}
        self._packages: dict[PackageKind, lambda_.AssetCode] = {}

    def add_functions(
        self,
        specs: Iterable[FunctionSpec],
        *,
        environment: Mapping[str, str] | None = None,
        called_asynchronously: Iterable[str] = (),
    ) -> None:
        """`environment` adds to the values that the stage's names give."""
        asynchronous = set(called_asynchronously)
        for spec in specs:
            self.functions[spec.folder] = PythonFunction(
                self,
                spec,
                names=self.names,
                code=self._package(spec.package),
                key=self.key,
                environment={**stage_environment(self.names), **(environment or {})},
                called_asynchronously=spec.folder in asynchronous,
            )

    def _package(self, kind: PackageKind) -> lambda_.AssetCode:
        if kind not in self._packages:
            self._packages[kind] = package_code(kind, self.names.config.target)
        return self._packages[kind]


def stage_environment(names: Names) -> dict[str, str]:
    """What a function may ask for by name."""
    return {
        "CUSTOMERS_TABLE": names.of("customers"),
        "CAMPAIGNS_TABLE": names.of("campaigns"),
        "PERFORMANCE_TABLE": names.of("performance"),
        "LAKE_BUCKET": names.bucket("lake"),
        "REFRESH_WORKFLOW_ARN": names.workflow_arn("refresh"),
        "PREPARE_WORKFLOW_ARN": names.workflow_arn("prepare"),
        "CAMPAIGN_WORKFLOW_ARN": names.workflow_arn("campaign"),
        "REFRESH_ENGINE": names.config.engine,
        "SPARK_FROM_ORDERS": str(names.config.spark_from_orders),
        "MODELS_BUCKET": names.bucket("models"),
        **{f"{kind.upper()}_ENDPOINT": names.endpoint(kind) for kind in KINDS},
        "EVENT_BUS": names.event_bus,
        "SES_CONFIGURATION_SET": names.configuration_set,
        "SES_TENANTS": "true" if names.config.ses_tenants else "false",
        "SMS_CONFIGURATION_SET": names.text_configuration_set if names.config.texts else "",
        "SMS_ORIGINATION_IDENTITY": names.config.text_origination_identity or "",
        "UNSUBSCRIBE_SECRET": names.secret,
        "CHANNEL_RATES": json.dumps(dict(names.config.channel_rates)),
    }
