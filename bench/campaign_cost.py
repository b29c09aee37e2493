"""What a campaign costs in AWS list prices beyond the messages themselves, by cause: counted, not guessed.

The very handlers run in this process against moto (bench/_campaign_run.py), and every request of boto3's real clients
is counted where botocore would put it on the wire (bench/_meter.py). The counts are written to
winback/costs/counted.json, which dry runs, `winback cost` and docs/costs.md read; with `--small` a tenth is run and
nothing written.

- counted: request units of the tables by the sizes of items, requests to S3 and SQS, events, bytes of logs and of what
  stays, invocations
- measured on this machine: the CPU time of each function, boto3's own included, moto's not
- assumed (ASSUMED says it in words): how long Lambda waits for each service, the provider's events for each message,
  how full batches are
"""

import json
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench._campaign_events import EVENTS
from bench._campaign_run import CAUSES, FEEDBACK_BATCH, Campaign
from bench._campaign_run import run as run_campaign
from winback.aws.candidates import CHUNK_ROWS
from winback.costs.bills import MINUTES
from winback.costs.costs_page import costs_page
from winback.costs.counted import LAUNCH_MESSAGES, Counted

CUSTOMERS, ORDERS = 1_000, 1_000
VCPU_MB = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: one vCPU at so much memory
# Seconds that one request is waited for: single-digit milliseconds for the tables, as AWS says; ours for the others.
WAITS = {"dynamodb": 0.005, "s3": 0.030, "sqs": 0.010, "sesv2": 0.060, "secrets-manager": 0.0}
LAMBDA_LOG_BYTES = 350  # START, END and REPORT of one invocation
API_MEMORY_MB = 512
METRICS = 40  # custom metrics, with their dimensions: assumed
POLLS_A_MINUTE = 15  # five long polls of twenty seconds, as Lambda keeps up for a queue in which nothing is
THREADS = 8  # of the sender's handler
AT_A_TIME = {"sender": THREADS}  # requests that a function waits for together
# Of `python -m bench refresh_cost --small`, 2026-11-22: a daily refresh of 100,000 customers, of whom 1,000 had
# ordered; 41 s at 2.94 GB, 20 parts in 15 s at 0.5 GB.
REFRESH = {
    "name": "refresh",
    "does": "a refresh each day, computed on Lambda",
    "measure": "customer_day",
    "count": 100_000,
    "units": {
        "dynamodb_read": 10,
        "dynamodb_write": 1_790,
        "lambda_request": 25,
        "lambda_time": 128,
        "s3_read": 87,
        "s3_storage": 0.034,
        "s3_write": 65,
        "sagemaker_time": 1,
        "state_transition": 50,
    },
}
RESULT, PAGE = Path("winback/costs/counted.json"), Path("docs/costs.md")
ASSUMED = (
    "Lambda waits 5 ms for a table, 30 ms for S3, 10 ms for SQS and 60 ms for SES; one request after another, but the "  # noqa: ISC004
    f"sender, which waits for {THREADS} together.",
    f"A launch has {LAUNCH_MESSAGES:,} messages where its own states are shared out.",
    "Its CPU time is that of the machine that counted, one core of it for a vCPU.",
    f"Events of SES for each message: {', '.join(f'{share:g} {kind.value}' for kind, share in EVENTS.items())}.",
    f"The sender gets 2 messages of the queue at a time, feedback {FEEDBACK_BATCH} events.",
    "SQS charges what a topic puts into a queue as any other request.",
    "What stays of a launch is kept a month; the tables' point-in-time recovery is on.",
)


def run(small: bool) -> None:
    campaign = run_campaign(CUSTOMERS // 10 if small else CUSTOMERS, ORDERS // 10 if small else ORDERS)
    found = counted(campaign)
    _print(found)
    if not small:
        RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(costs_page(Counted.read(RESULT.read_text(encoding="utf-8"))), encoding="utf-8")
        print(f"\nwritten to {RESULT} and {PAGE}")


def counted(campaign: Campaign) -> dict[str, Any]:
    """The content of counted.json."""
    memory = _memory()
    causes = [_cause(campaign, name, memory) for name in CAUSES]
    causes += [_storage(campaign), REFRESH, _stage()]
    return {
        "counted_on": datetime.now(UTC).date().isoformat(),
        "how": (
            f"the functions' own handlers on moto, in a process: {campaign.candidates:,} customers, two e-mails each; "
            f"{platform.machine()}, Python {platform.python_version()}"
        ),
        "assumed": list(ASSUMED),
        "run": {
            "candidates": campaign.candidates,
            "planned": campaign.planned,
            "messages": campaign.messages,
            "events": campaign.events,
            "steps": 2,
            "chunk_rows": CHUNK_ROWS,
        },
        "causes": causes,
    }


def _cause(campaign: Campaign, name: str, memory: Mapping[str, int]) -> dict[str, Any]:
    measure, does = CAUSES[name]
    usage = campaign.meter.usage[name]
    units = defaultdict[str, float](float, usage.units)
    for (cause, function), times in campaign.invocations.times.items():
        if cause != name:
            continue
        megabytes = memory.get(function, API_MEMORY_MB)
        waited = sum(
            WAITS[service] * number / AT_A_TIME.get(function, 1)
            for (of_cause, of_function, service), number in campaign.invocations.calls.items()
            if (of_cause, of_function) == (cause, function)
        )
        units["lambda_request"] += times
        units["lambda_time"] += (
            campaign.invocations.cpu_seconds[cause, function] * max(VCPU_MB, megabytes) / 1024
            + waited * megabytes / 1024
        )
        units["log_gb"] += times * LAMBDA_LOG_BYTES / 1e9
    units["log_gb"] += campaign.invocations.logged[name] / 1e9
    units["state_transition"] += campaign.transitions[name]
    units["s3_storage"] += campaign.meter.stored[name] / 1e9
    return {
        "name": name,
        "does": does,
        "measure": measure.value,
        "count": usage.count,
        "units": {key: float(f"{number:.6g}") for key, number in sorted(units.items()) if number},
        "calls": dict(sorted(usage.calls.items())),
    }


def _storage(campaign: Campaign) -> dict[str, Any]:
    """A month of the ledger's rows; a contact list is there anyway, and grows by an entry."""
    gigabytes = (campaign.ledger_bytes + campaign.contact_bytes) / 1e9
    return {
        "name": "keeping",
        "does": "the ledger and the contact lists for a month",
        "measure": "message",
        "count": campaign.messages,
        "units": {"dynamodb_storage": gigabytes, "dynamodb_recovery": gigabytes},
    }


def _stage() -> dict[str, Any]:
    """What a stage of prod's kind costs by the month, used or not: its own templates say how much there is of it."""
    with TemporaryDirectory() as folder:
        resources = synthesized(Path(folder))
    mappings = [found for kind, found in resources if kind == "AWS::Lambda::EventSourceMapping"]
    consumers = sum("Queue" in json.dumps(found["Properties"]["EventSourceArn"]) for found in mappings)
    units = {
        "alarm": _of(resources, "AWS::CloudWatch::Alarm"),
        "dashboard": _of(resources, "AWS::CloudWatch::Dashboard"),
        "key": _of(resources, "AWS::KMS::Key"),
        "secret": _of(resources, "AWS::SecretsManager::Secret"),
        "ses_tenant": 1,
        "metric": METRICS,
        "sqs_request": consumers * POLLS_A_MINUTE * MINUTES,
    }
    return {
        "name": "stage",
        "does": "alarms, metrics, dashboard, key, secret, waiting at queues",
        "measure": "month",
        "count": 1,
        "units": {name: float(number) for name, number in units.items() if number},
    }


def _of(resources: Sequence[tuple[str, Any]], kind: str) -> int:
    return sum(1 for found, _ in resources if found == kind)


def synthesized(folder: Path) -> list[tuple[str, Any]]:
    """(type, resource) of every resource of the stage prod, without what bundling would add."""
    from aws_cdk import App  # noqa: PLC0415 (it starts node)

    from infra.application import add_application  # noqa: PLC0415
    from infra.names import KINDS  # noqa: PLC0415

    models = folder / "models"
    for kind in KINDS:
        (models / kind).mkdir(parents=True)
        (models / kind / "model.tar.gz").write_bytes(b"none")
    flags = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    context = {**flags, "stage": "prod", "first_models": str(models), "aws:cdk:bundling-stacks": []}
    app = App(outdir=str(folder / "out"), context=context)
    add_application(app)
    try:
        app.synth()
    except RuntimeError as error:
        if "Validation failed" not in str(error):
            raise
    found = []
    for path in (folder / "out").glob("*.template.json"):
        template = json.loads(path.read_text(encoding="utf-8"))
        found += [(resource["Type"], resource) for resource in template["Resources"].values()]
    return found


def _memory() -> dict[str, int]:
    """Of the functions as they are deployed, MB."""
    from infra.access import Access  # noqa: PLC0415 (it starts node)
    from infra.config import stage_config  # noqa: PLC0415
    from infra.names import Names  # noqa: PLC0415
    from infra.stacks.dispatch_functions import dispatch_functions, export_functions  # noqa: PLC0415
    from infra.stacks.launch_functions import launch_functions  # noqa: PLC0415

    access = Access(Names(stage_config({"stage": "prod"}.get)))
    rows = [*launch_functions(access), *dispatch_functions(access), *export_functions(access)]
    return {row.folder: row.memory_mb for row in rows}


def _print(found: Mapping[str, Any]) -> None:
    table = Counted.model_validate_json(json.dumps(found))
    millions = table.per_million_messages()
    services = sorted({service for row in millions.values() for service in row})
    print(f"{table.run.candidates:,} customers, {table.run.messages:,} messages, {table.run.events:,} events")
    print(f"  {'$ for a million messages':26}" + "".join(f"{service:>15}" for service in services) + f"{'all':>9}")
    for name, row in millions.items():
        cells = "".join(f"{row.get(service, Decimal(0)):15.3f}" for service in services)
        print(f"  {name:26}{cells}{sum(row.values()):9.2f}")
    whole = sum((sum(row.values(), Decimal(0)) for row in millions.values()), Decimal(0))
    print(f"  {'together':26}{'':{15 * len(services)}}{whole:9.2f}   (budget 10, aim 7)")
    for cause in table.causes:
        each = {name: units / cause.count for name, units in cause.units.items()}
        print(
            f"  {cause.name:12} a {cause.measure:12}", {name: float(f"{number:.3g}") for name, number in each.items()}
        )
