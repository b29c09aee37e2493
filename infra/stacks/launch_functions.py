"""The functions that prepare, follow and report a launch, each with what it may do."""

from infra.access import Access
from infra.constructs.python_function import FunctionSpec


def launch_functions(access: Access) -> tuple[FunctionSpec, ...]:
    return (
        FunctionSpec(
            folder="launch_candidates",
            does="Snapshot x audience -> chunks of candidates and their manifest; the holdout's size",
            package="data",
            memory_mb=2048,
            timeout_seconds=900,
            storage_mb=10_240,
            environment=("CAMPAIGNS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch"),  # the holdout's size
                access.table("campaigns", "Query", "*#lift"),
                access.read_lake(
                    "snapshots/*/customers.parquet",
                    "snapshots/*/summary.json",
                    "snapshots/*/rubric.json",
                    "engagement/*",
                ),
                access.write_lake("launches/*/candidates/*", "launches/*/manifest.jsonl"),
                access.list_lake("engagement/*", "snapshots/*"),  # a slice may ask for touches
            ),
        ),
        FunctionSpec(
            folder="launch_enrol",
            does="One chunk: eligibility, then holdout and variants",
            memory_mb=512,
            timeout_seconds=300,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("customers", "BatchGetItem"),
                access.read_lake("launches/*/candidates/*", "launches/*/audience/*"),
                access.write_lake("launches/*/audience/*"),
            ),
        ),
        FunctionSpec(
            folder="launch_offers",
            does="Which offer each treated customer gets, within the launch's budget",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET", "OFFER_ENDPOINT"),
            permissions=(
                access.table("campaigns", "GetItem", "*#launch", "*#snapshot"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "snapshots/*/customers.parquet",
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/offers/*",
                ),
                access.write_lake("launches/*/offers/*", "launches/*/offers.json", "launches/*/decisions/*"),
                access.list_lake("launches/*/offers/*"),
                access.score("offer"),
            ),
        ),
        FunctionSpec(
            folder="launch_plan",
            does="One chunk of one step: channel, offer, time and gate; live: its entries in the due index",
            package="data",  # the hours of a step with a window come from the lake's events
            memory_mb=1024,
            timeout_seconds=300,
            storage_mb=4096,
            environment=(
                "CAMPAIGNS_TABLE",
                "CUSTOMERS_TABLE",
                "PERFORMANCE_TABLE",
                "LAKE_BUCKET",
                "SEND_TIME_ENDPOINT",
                "SMS_ORIGINATION_IDENTITY",
            ),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch", "*#budget#*"),
                access.table("campaigns", "Query", "*#launch"),  # those of higher priority
                access.table("campaigns", "PutItem", "due#*"),
                access.table("customers", "BatchGetItem"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/offers/*",
                    "launches/*/decisions/*",
                    "launches/*/paths/*",
                    "launches/*/plan-*",
                    "snapshots/*/rubric.json",
                    "snapshots/*/recommendations.json*",  # a text may name them
                    "orders/*",
                    "rates/*",
                    "customers/*",
                    "engagement/*",
                ),
                access.write_lake("launches/*/plan-*", "decisions/*"),
                access.list_lake(
                    "launches/*/decisions/*",
                    "launches/*/paths/*",
                    "launches/*/plan-live/*",
                    "snapshots/*/rubric.json",
                    "snapshots/*/recommendations.json",
                    "orders/*",
                    "rates/*",
                    "customers/*",
                    "engagement/*",
                ),
                access.score("send_time"),
            ),
        ),
        FunctionSpec(
            folder="launch_summary",
            does="Adds the planned chunks up, beside quotas, history and prices: the dry run and its page",
            memory_mb=1769,  # a whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
            timeout_seconds=900,
            environment=(
                "CAMPAIGNS_TABLE",
                "LAKE_BUCKET",
                "SES_CONFIGURATION_SET",
                "SES_TENANTS",
                "SMS_CONFIGURATION_SET",
                "SMS_ORIGINATION_IDENTITY",
                "CHANNEL_RATES",
            ),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch"),
                access.table("campaigns", "Query", "*#lift"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/plan-dry_run/*",
                    "launches/*/offers/*",
                    "snapshots/*/summary.json",
                    "snapshots/*/rubric.json",
                ),
                access.write_lake("launches/*/dry_run.json", "launches/*/dry_run.html"),
                access.list_lake("snapshots/*"),  # a snapshot of before summaries and rubrics has none
                *access.check_sending(),
            ),
        ),
        FunctionSpec(
            folder="launch_clock",
            does="What is next in an approved launch, and until when to wait; starts it, and heeds its guardrails",
            environment=("CAMPAIGNS_TABLE",),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch", "*#reputation"),
                access.table("campaigns", "PutItem", "*#launch"),
            ),
        ),
        FunctionSpec(
            folder="launch_evaluate",
            does="One chunk of one branch: which way each customer goes, written once",
            memory_mb=512,
            timeout_seconds=300,
            environment=("CAMPAIGNS_TABLE", "CUSTOMERS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "*#launch"),
                access.table("customers", "BatchGetItem"),
                access.table("performance", "BatchGetItem"),
                access.read_lake("launches/*/audience/*", "launches/*/paths/*"),
                access.write_lake("launches/*/paths/*"),
            ),
        ),
        FunctionSpec(
            folder="launch_report",
            does="Ledger and lake -> the report; the launch is finished",
            package="data",
            memory_mb=3008,
            timeout_seconds=900,
            storage_mb=4096,
            environment=("CAMPAIGNS_TABLE", "PERFORMANCE_TABLE", "LAKE_BUCKET"),
            permissions=(
                access.table("campaigns", "GetItem", "accounts", "*#launch"),
                access.table("campaigns", "PutItem", "*#launch", "*#lift"),
                access.table("performance", "BatchGetItem"),
                access.read_lake(
                    "launches/*/manifest.jsonl",
                    "launches/*/audience/*",
                    "launches/*/plan-live/*",
                    "launches/*/paths/*",
                    "launches/*/offers/*",
                    "launches/*/dry_run.json",
                    "orders/*",
                ),
                access.write_lake("launches/*/report.json", "launches/*/report.html"),
                access.list_lake("launches/*", "orders/*"),
            ),
        ),
    )
