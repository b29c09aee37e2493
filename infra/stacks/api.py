"""What the outside calls: the REST API and its functions, and the operator's function that creates accounts."""

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.access import Access
from infra.constructs.public_api import PublicApi
from infra.constructs.python_function import FunctionSpec
from infra.names import Names
from infra.stacks.function_stack import FunctionStack

ROUTES = {
    "api_intake": (
        ("POST", "/v1/customers:batch"),
        ("POST", "/v1/orders:batch"),
        ("POST", "/v1/events:batch"),
        ("POST", "/v1/imports"),
        ("GET", "/v1/imports/{import_id}"),
    ),
    "api_segments": (
        ("POST", "/v1/refreshes"),
        ("GET", "/v1/refreshes/{snapshot_id}"),
        ("GET", "/v1/snapshots"),
        ("GET", "/v1/snapshots/latest"),
        ("GET", "/v1/snapshots/{snapshot_id}"),
        ("GET", "/v1/movement/series"),
        ("GET", "/v1/archetypes/latest"),
        ("GET", "/v1/customers/{customer_id}"),
        ("GET", "/v1/customers/{customer_id}/recommendations"),
    ),
    "api_movement": (("GET", "/v1/movement"),),
    "api_slices": (
        ("POST", "/v1/slices"),
        ("GET", "/v1/slices"),
        ("GET", "/v1/slices/{slice_id}"),
        ("PUT", "/v1/slices/{slice_id}"),
        ("DELETE", "/v1/slices/{slice_id}"),
        ("POST", "/v1/slices:preview"),
        ("POST", "/v1/segments:explore"),
    ),
    "api_playbook": (
        ("GET", "/v1/playbook"),
        ("PUT", "/v1/playbook"),
        ("POST", "/v1/playbook:apply"),
        ("GET", "/v1/playbook/calls"),
        ("GET", "/v1/data-quality"),
        ("GET", "/v1/briefs/crm"),
        ("POST", "/v1/briefs/crm"),
        ("GET", "/v1/briefs/ltv"),
        ("POST", "/v1/briefs/ltv"),
    ),
    "api_offers": (
        ("POST", "/v1/offers"),
        ("GET", "/v1/offers"),
        ("GET", "/v1/offers/{offer_id}"),
        ("PUT", "/v1/offers/{offer_id}"),
        ("POST", "/v1/offers/{offer_id}/retire"),
        ("POST", "/v1/offers/{offer_id}/codes"),
        ("GET", "/v1/offers/{offer_id}/codes"),
    ),
    "api_messages": (
        ("POST", "/v1/templates"),
        ("GET", "/v1/templates"),
        ("GET", "/v1/templates/{template_id}"),
        ("PUT", "/v1/templates/{template_id}"),
        ("DELETE", "/v1/templates/{template_id}"),
        ("GET", "/v1/templates/{template_id}/preview"),
        ("POST", "/v1/messages:preview"),
    ),
    "api_calls": (
        ("GET", "/v1/calls"),
        ("POST", "/v1/calls/{call_id}/outcome"),
    ),
    "api_sending": (
        ("GET", "/v1/sending"),
        ("POST", "/v1/sending/stop"),
        ("POST", "/v1/sending/resume"),
    ),
    "api_preflight": (("GET", "/v1/sending/preflight"),),
    "api_campaigns": (
        ("POST", "/v1/campaigns"),
        ("GET", "/v1/campaigns"),
        ("GET", "/v1/campaigns/schema"),
        ("GET", "/v1/campaigns/{campaign_id}"),
        ("PUT", "/v1/campaigns/{campaign_id}"),
        ("GET", "/v1/campaigns/{campaign_id}/versions/{version}"),
        ("POST", "/v1/campaigns/{campaign_id}/pause"),
        ("POST", "/v1/campaigns/{campaign_id}/resume"),
        ("POST", "/v1/campaigns/{campaign_id}/launches"),
        ("GET", "/v1/launches/{launch_id}"),
        ("POST", "/v1/launches/{launch_id}/approve"),
        ("POST", "/v1/launches/{launch_id}/start"),
        ("POST", "/v1/launches/{launch_id}/pause"),
        ("POST", "/v1/launches/{launch_id}/resume"),
        ("POST", "/v1/launches/{launch_id}/cancel"),
        ("GET", "/v1/launches/{launch_id}/report"),
    ),
}
PUBLIC_ROUTES = {"unsubscribe": (("ANY", "/u/{token}"),)}


def functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="authorizer",
            does="API key -> account",
            timeout_seconds=10,
            environment=("CAMPAIGNS_TABLE",),
            permissions=(access.table("campaigns", "GetItem", "apikey#*"),),
        ),
        FunctionSpec(
            folder="api_intake",
            does="Takes customers, orders and events, presigns uploads, tells how imports went",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#import"),
                access.table("campaigns", "PutItem", "*#import"),
                access.table("campaigns", "Query", "*#launch"),
                access.table("customers", "BatchGetItem BatchWriteItem PutItem UpdateItem"),
                access.table("performance", "GetItem PutItem"),  # contact lists: what other tools sent
                access.read_lake("rejects/*"),  # it signs links to them
                access.write_lake("uploads/*", "orders/*", "customers/*", "engagement/*"),
            ),
        ),
        FunctionSpec(
            folder="api_segments",
            does="Starts a refresh, reads snapshots, archetypes and customers",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET", "REFRESH_WORKFLOW_ARN"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#snapshot", "*#archetypes"),
                access.table("campaigns", "PutItem", "*#snapshot"),
                access.table("campaigns", "Query", "*#movement"),
                access.table("customers", "BatchGetItem"),
                access.read_lake(
                    "snapshots/*/summary.json",
                    "snapshots/*/drift.json",
                    "snapshots/*/recommendations.json*",
                    "archetypes/*/result.json",
                ),
                # Not every snapshot has them.
                access.list_lake("snapshots/*/drift.json", "snapshots/*/recommendations.json"),
                access.start("refresh"),
            ),
        ),
        FunctionSpec(
            folder="api_movement",
            does="Who moved where between two snapshots",
            package="data",
            memory_mb=3008,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#snapshot"),
                access.read_lake("snapshots/*/customers.parquet", "snapshots/*/rubric.json", "movement/*"),
                access.write_lake("movement/*"),
                access.list_lake("movement/*"),
            ),
        ),
        FunctionSpec(
            folder="api_slices",
            does="Saved slices; previews and simulated campaigns over a snapshot",
            package="data",
            memory_mb=3008,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#snapshot", "*#slice"),
                access.table("campaigns", "PutItem DeleteItem", "*#slice"),
                access.table("campaigns", "Query", "*#slice", "*#lift"),
                access.read_lake(
                    "snapshots/*/customers.parquet",
                    "snapshots/*/rubric.json",
                    "snapshots/*/summary.json",
                    "engagement/*",
                ),
                access.list_lake("engagement/*"),
            ),
        ),
        FunctionSpec(
            folder="api_playbook",
            does="The playbook with the account's figures, drafts of its campaigns, calls, what is missing, briefs",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#snapshot", "*#playbook", "*#campaign"),
                access.table("campaigns", "PutItem", "*#playbook", "*#campaign"),
                access.table("campaigns", "Query", "*#launch"),
                access.table("customers", "BatchGetItem"),
                access.read_lake("snapshots/*/summary.json", "snapshots/*/calls.jsonl.gz"),
                access.list_lake("snapshots/*/calls.jsonl.gz"),  # a snapshot of before call lists has none
            ),
        ),
        FunctionSpec(
            folder="api_offers",
            does="The catalogue of offers; imports, generates and exports their codes",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE",),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#offer", "*#codes#*"),
                access.table("campaigns", "Query", "*#offer"),
                access.table("campaigns", "BatchGetItem", "*#code#*"),
                access.table("campaigns", "PutItem", "*#offer", "*#codes#*", "*#code#*"),
                access.table("campaigns", "UpdateItem", "*#codes#*"),
            ),
        ),
        FunctionSpec(
            folder="api_campaigns",
            does="Defines campaigns; dry run, approval, start, pause, cancel and report of launches",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET", "PREPARE_WORKFLOW_ARN", "CAMPAIGN_WORKFLOW_ARN"),
            permissions=(
                access.table(
                    "campaigns", "GetItem", "accounts", "*#campaign", "*#launch", "*#offer", "*#snapshot", "*#template"
                ),
                access.table("campaigns", "GetItem PutItem", "*#campaign-version"),
                access.table("campaigns", "PutItem", "*#campaign", "*#launch"),
                access.table("campaigns", "Query", "*#campaign", "*#launch", "*#slice"),
                access.read_lake("launches/*/dry_run.*", "launches/*/report.json", "launches/*/report.html"),
                access.list_lake("launches/*/plan-live/*"),  # it counts the chunks that are planned
                access.start("prepare", "campaign"),
            ),
        ),
        FunctionSpec(
            folder="api_messages",
            does="Saved templates; previews of their messages for made-up and real customers",
            memory_mb=1024,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET", "SMS_ORIGINATION_IDENTITY"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#template", "*#snapshot"),
                access.table("campaigns", "PutItem DeleteItem Query", "*#template"),
                access.table("customers", "BatchGetItem"),
                access.read_lake("snapshots/*/recommendations.json*"),
                access.list_lake("snapshots/*/recommendations.json"),  # not every snapshot has them
            ),
        ),
        FunctionSpec(
            folder="api_calls",
            does="The call list of account managers, and how each call went",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "UpdateItem", "*#reputation"),
                access.table("customers", "BatchGetItem GetItem UpdateItem"),
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "Query GetItem PutItem DeleteItem", "*#calls#*"),
                access.table("performance", "BatchGetItem UpdateItem"),
            ),
        ),
        FunctionSpec(
            folder="api_sending",
            does="Whether messages leave and why not; stops and resumes an account's sending",
            memory_mb=512,
            environment=("CAMPAIGNS_TABLE",),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#sending", "circuit#*"),
                access.table("campaigns", "BatchGetItem", "*#sending", "sending#all"),
                access.table("campaigns", "UpdateItem", "*#sending"),
                access.table("campaigns", "Query", "*#reputation"),
                access.read_send_quota(),
            ),
        ),
        FunctionSpec(
            folder="api_preflight",
            does="Whether an account's messages could leave and arrive, and what is missing",
            memory_mb=512,
            environment=(
                "CAMPAIGNS_TABLE",
                "SES_CONFIGURATION_SET",
                "SES_TENANTS",
                "SMS_CONFIGURATION_SET",
                "SMS_ORIGINATION_IDENTITY",
            ),
            permissions=(access.table("campaigns", "GetItem", "accounts"), *access.check_sending()),
        ),
        FunctionSpec(
            folder="unsubscribe",
            does="The page and the one click behind List-Unsubscribe",
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE", "UNSUBSCRIBE_SECRET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts"),
                access.table("campaigns", "UpdateItem", "*#reputation"),
                access.table("customers", "GetItem UpdateItem"),
                access.table("customers", "PutItem", "*#address#*"),
                access.table("performance", "BatchGetItem UpdateItem"),
                access.read_secret(),
            ),
        ),
        FunctionSpec(
            folder="admin_sending",
            does="For an operator's direct call: stops and resumes all sending",
            environment=("CAMPAIGNS_TABLE",),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#sending", "circuit#*"),
                access.table("campaigns", "BatchGetItem", "*#sending", "sending#all"),
                access.table("campaigns", "UpdateItem", "*#sending", "sending#all"),
                access.table("campaigns", "Query", "*#reputation"),
                access.read_send_quota(),
            ),
        ),
        FunctionSpec(
            folder="admin_accounts",
            does="For an operator's direct call: creates an account and its API key",
            environment=("CAMPAIGNS_TABLE", "SES_TENANTS", "SES_CONFIGURATION_SET"),
            permissions=(
                access.table("campaigns", "GetItem PutItem", "accounts", "apikey#*"),
                *access.manage_tenants(),
            ),
        ),
    )


class ApiStack(FunctionStack):
    def __init__(self, scope: Construct, names: Names) -> None:
        super().__init__(scope, "api", names)
        self.add_functions(functions(Access(names)))
        api = PublicApi(self, names=names, authorizer=self.functions["authorizer"])
        for folder, routes in ROUTES.items():
            api.add_routes(self.functions[folder], routes)
        for folder, routes in PUBLIC_ROUTES.items():
            api.add_routes(self.functions[folder], routes, public=True)
        ssm.StringParameter(
            self,
            "UrlParameter",
            parameter_name=names.parameter("api-url"),
            string_value=api.rest.url,
            description="Where the API answers",
        )
        ssm.StringParameter(
            self,
            "IdParameter",
            parameter_name=names.parameter("api-id"),
            string_value=api.rest.rest_api_id,
            description="The REST API's id",
        )
