"""The REST API: explicit routes, an authorizer on `x-api-key`, throttling, access logs without personal data."""

import json
from collections.abc import Iterable, Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.constructs.alarm import raise_alarm
from infra.constructs.python_function import PythonFunction, log_retention
from infra.names import Names

STAGE_NAME = "live"

# Route templates, not paths: a path holds customer ids and unsubscribe tokens.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "bytes": "$context.responseLength",
    "account": "$context.authorizer.account_id",
    "error": "$context.error.responseType",
}
_ERROR_BODY = '{"error": {"code": "%s", "message": %s, "fields": []}}'
_ITS_OWN_WORDS = "$context.error.messageString"  # in quotes
# API Gateway's own are "Missing Authentication Token", also to who sent a key.
_UNKNOWN_ROUTE = '"there is no such path, or none with this method"'


class PublicApi(Construct):
    def __init__(self, scope: Construct, *, names: Names, authorizer: PythonFunction) -> None:
        super().__init__(scope, "Api")
        config = names.config
        self._names = names
        log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/apigateway/{names.of('api')}",
            retention=log_retention(config.log_retention_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=names.of("api"),
            description="Winback: imports, segments, campaigns; unsubscribe links",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=config.access_logs,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if config.access_logs else None,
            min_compression_size=None,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE_NAME,
                throttling_rate_limit=config.api_rate,
                throttling_burst_limit=config.api_burst,
                tracing_enabled=False,  # its segments carry whole URLs, with customer ids and tokens in them
                access_log_destination=apigateway.LogGroupLogDestination(log) if config.access_logs else None,
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG))
                if config.access_logs
                else None,
            ),
        )
        self._authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            authorizer_name=names.of("authorizer"),
            handler=authorizer.function,
            identity_sources=[apigateway.IdentitySource.header("x-api-key")],
            results_cache_ttl=Duration.minutes(1),  # how long a withdrawn key may still work
        )
        self._validator = self.rest.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        self._gateway_errors()
        self._acknowledge()
        if config.waf:
            self._firewall()
        raise_alarm(
            self,
            "ServerErrorsAlarm",
            names=names,
            name="api-server-errors",
            says="The API answered 5xx ten times in five minutes. See the API functions' logs.",
            metric=self.rest.metric_server_error(period=Duration.minutes(5), statistic="Sum"),
            threshold=10,
        )

    def add_routes(self, function: PythonFunction, routes: Iterable[tuple[str, str]], *, public: bool = False) -> None:
        """`routes` are pairs such as ("POST", "/v1/orders:batch"); a public one asks for no key."""
        integration = apigateway.LambdaIntegration(function.function, scope_permission_to_method=False)
        for method, path in routes:
            added = self.rest.root.resource_for_path(path).add_method(
                method,
                integration,
                request_validator=self._validator,
                authorizer=None if public else self._authorizer,
                authorization_type=apigateway.AuthorizationType.NONE if public else apigateway.AuthorizationType.CUSTOM,
            )
            acknowledge(
                added,
                "AwsSolutions-COG4",
                "mailbox providers call the signed one-click link without any login (RFC 8058)"
                if public
                else "keys are checked by the authorizer function; stores' servers have no Cognito user",
            )
            if public:
                acknowledge(
                    added,
                    "AwsSolutions-APIG4",
                    "the path's signed token is the authorisation: a mail link cannot log in",
                )

    def _gateway_errors(self) -> None:
        """What API Gateway refuses itself, in the shape of our own errors."""
        responses: Mapping[str, tuple[apigateway.ResponseType, str, str | None]] = {
            "Unauthorized": (apigateway.ResponseType.UNAUTHORIZED, "unauthorized", "401"),
            "AccessDenied": (apigateway.ResponseType.ACCESS_DENIED, "forbidden", "403"),
            "Throttled": (apigateway.ResponseType.THROTTLED, "too_many_requests", "429"),
            "UnknownRoute": (apigateway.ResponseType.MISSING_AUTHENTICATION_TOKEN, "not_found", "404"),
            "TooLarge": (apigateway.ResponseType.REQUEST_TOO_LARGE, "request_too_large", "413"),
            "OtherClientError": (apigateway.ResponseType.DEFAULT_4_XX, "bad_request", None),
            "OtherServerError": (apigateway.ResponseType.DEFAULT_5_XX, "internal_error", None),
        }
        for name, (kind, code, status) in responses.items():
            self.rest.add_gateway_response(
                name,
                type=kind,
                status_code=status,
                templates={
                    "application/json": _ERROR_BODY
                    % (code, _UNKNOWN_ROUTE if name == "UnknownRoute" else _ITS_OWN_WORDS)
                },
            )

    def _acknowledge(self) -> None:
        stage = self.rest.deployment_stage
        acknowledge(
            stage,
            "AwsSolutions-APIG6",
            "execution logs hold whole paths, with customer ids and unsubscribe tokens; the access log holds routes",
        )
        if not self._names.config.waf:
            acknowledge(stage, "AwsSolutions-APIG3", "a firewall has a fixed price; the prod stage has one")
        role = self.rest.node.try_find_child("CloudWatchRole")
        if role is not None:
            acknowledge(
                role,
                "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
                "the managed policy that API Gateway documents for its account-wide log role",
            )

    def _firewall(self) -> None:
        """Known bad addresses and inputs, and a limit per address; bodies of 500 rows are large, so no rule on size."""
        web_acl = wafv2.CfnWebACL(
            self,
            "Firewall",
            name=self._names.of("api"),
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("api"),
            rules=[
                wafv2.CfnWebACL.RuleProperty(
                    name="rate-per-address",
                    priority=0,
                    action=wafv2.CfnWebACL.RuleActionProperty(block={}),
                    statement=wafv2.CfnWebACL.StatementProperty(
                        rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                            limit=self._names.config.waf_requests_per_ip, aggregate_key_type="IP"
                        )
                    ),
                    visibility_config=_visible("rate"),
                ),
                *(
                    _managed(priority, group)
                    for priority, group in enumerate(
                        ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"), start=1
                    )
                ),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self,
            "FirewallAssociation",
            resource_arn=self.rest.deployment_stage.stage_arn,
            web_acl_arn=web_acl.attr_arn,
        )


def _visible(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        sampled_requests_enabled=False,  # samples hold whole requests
    )


def _managed(priority: int, group: str) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group
            )
        ),
        visibility_config=_visible(group),
    )
