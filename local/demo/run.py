"""The demo, step by step; its last lines say what a holdout shows and what last-touch attribution claims."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import typer

from local.cloud import Cloud, create_account
from local.datasets import Purchase, customers_csv, orders_csv, purchases
from local.demo import campaign, closing, standing, texts
from local.demo.checks import Finding, from_outside
from local.demo.faults import Faults
from local.demo.store import Store
from local.demo.timeline import Timeline
from local.lifecycle import running_cloud
from local.mail.messages import Message
from local.place import ROOT, Place
from local.steps import Steps
from winback.instants import format_instant, parse_instant

OUTPUT = ROOT / "build" / "demo"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Outcome:
    report: dict[str, Any]
    findings: list[Finding]
    files: dict[str, Path]

    @property
    def sound(self) -> bool:
        checks = self.report["checks"]
        return all(check["holds"] for check in checks) and not any(finding.violations for finding in self.findings)


def run(*, kill: Sequence[str] = (), keep: bool = False) -> None:
    """Plays the demo in a fresh cloud of its own (`build/demo-cloud`). `kill` names workers to kill once each;
    `keep` leaves the cloud running. Exits non-zero when an invariant is broken."""
    steps = Steps()
    place = Place(ROOT / "build" / "demo-cloud")
    with running_cloud(place, steps, keep=keep) as started:
        cloud = Cloud(create_account(started, campaign.ACCOUNT_ID, **campaign.ACCOUNT))
        outcome = _play(cloud, steps, Faults(cloud, kill))
    closing.show(steps.console, outcome.report, outcome.findings, outcome.files, steps.elapsed())
    if not outcome.sound:
        raise typer.Exit(1)


def _play(cloud: Cloud, steps: Steps, faults: Faults) -> Outcome:
    store = Store(cloud.api)
    bought = list(purchases())
    customers = customers_csv(sorted({purchase.customer_id for purchase in bought}), campaign.SEED)
    cloud.set_clock(campaign.HISTORY_ENDS - timedelta(days=1))  # a snapshot knows of consent what was said before it
    cloud.mail.set_recipients(campaign.SEED, campaign.RATES)
    with steps.step("Import 23,570 customers (made-up addresses and consents)"):
        _expect_whole(store.import_file("customers", customers))
    cloud.set_clock(campaign.HISTORY_ENDS)
    with steps.step("Import their real purchases up to 1997-09-30"):
        history = _between(bought, None, campaign.HISTORY_ENDS)
        _expect_whole(store.import_file("orders", history, during=faults.during_import))
    with steps.step("Refresh: segments, grid, churn scores"):
        refreshed = store.refresh(format_instant(campaign.HISTORY_ENDS))
    as_documented = _show_standing(store, steps)
    with steps.step("Write the CRM brief and the plan for lifetime value"):
        briefs = standing.write_briefs(store, OUTPUT)
    with steps.step("Define the campaign and make its dry run"):
        launch = _prepare(store)
    closing.show_dry_run(steps.console, launch)
    dry_run = _keep("dry-run.html", launch["dry_run_page"])
    with steps.step("Approve: it starts by itself at its time"):
        _approve(store, launch)
    timeline = Timeline(cloud, store, launch["launch_id"], campaign.CHANNELS)
    _play_weeks(timeline, steps, bought, launch, faults, since=refreshed["snapshot_id"])
    with steps.step("Report"):
        store.launch_in(launch["launch_id"], "finished")
        report = store.get(f"/v1/launches/{launch['launch_id']}/report")
    faults.require_all()
    if faults.killed:
        steps.console.print(f"Killed at work, once each: {', '.join(faults.killed)}.")
    page = _keep("report.html", report["page"])
    (OUTPUT / "report.json").write_text(json.dumps(report["report"], indent=1))
    messages = [_message(entry) for entry in _all_messages(cloud)]
    sent, steps_of_it = cloud.mail.texts(), sum(map(len, campaign.DISPATCHES.values()))
    findings = from_outside(messages, sent, customers, report["report"], steps_of_it)
    findings += texts.findings(sent, customers)
    return Outcome(report["report"], [as_documented, *findings], {"dry run": dry_run, "report": page, **briefs})


def _show_standing(store: Store, steps: Steps) -> Finding:
    summary = store.get("/v1/snapshots/latest")
    closing.show_families(steps.console, summary)
    standing.show_priorities(steps.console, summary)
    standing.show_playbook(steps.console, store.get("/v1/playbook"))
    selected = store.post("/v1/slices:preview", {"recipe": campaign.RECIPE})
    standing.show_slice(steps.console, campaign.RECIPE, selected)
    return standing.segments_as_documented(summary)


def _refresh_again(store: Store, steps: Steps, moment: datetime, since: str) -> None:
    """What a daily refresh does: computes whose orders changed, carries the others, tells who newly lapsed."""
    with steps.step(f"{moment:%Y-%m-%d}: refresh again"):
        refreshed = store.refresh(format_instant(moment))
        movement = store.get(f"/v1/movement?from={since}&to={refreshed['snapshot_id']}")
    standing.show_week(steps.console, refreshed, movement)


def _prepare(store: Store) -> dict[str, Any]:
    offer_id = store.post("/v1/offers", campaign.OFFER)["offer_id"]
    store.post(f"/v1/offers/{offer_id}/codes", {"generate": campaign.CODES})
    defined = store.post("/v1/campaigns", campaign.definition(offer_id), once="demo")
    starts_at = format_instant(campaign.STARTS_AT)
    path = f"/v1/campaigns/{defined['campaign_id']}/launches"
    launch = store.post(path, {"starts_at": starts_at}, once="demo")
    return store.launch_in(launch["launch_id"], "awaiting_approval")


def _approve(store: Store, launch: dict[str, Any]) -> None:
    path = f"/v1/launches/{launch['launch_id']}"
    approval = {"approved_by": "the demo", "dry_run_fingerprint": launch["dry_run"]["fingerprint"]}
    store.post(f"{path}/approve", approval)


def _play_weeks(
    timeline: Timeline, steps: Steps, bought: list[Purchase], launch: dict[str, Any], faults: Faults, *, since: str
) -> None:
    """`since`: the snapshot with which the refresh after the first week is compared."""
    answers = texts.TextAnswers(timeline.cloud)
    ends = campaign.STARTS_AT + timedelta(days=campaign.EVALUATION_DAYS)
    moment = campaign.STARTS_AT
    while moment < ends:
        day = (moment - campaign.STARTS_AT).days
        if numbers := campaign.DISPATCHES.get(day):
            with steps.step(f"{moment:%Y-%m-%d}: plan and send {_names(numbers)}"):
                timeline.dispatch(numbers, planning=faults.while_planning, sending=faults.while_sending)
                answers.give()
        following = min(moment + WEEK, ends)
        with steps.step(f"{moment:%Y-%m-%d}: a week passes, real purchases come in"):
            timeline.move_to(following)
            _expect_whole(timeline.store.import_file("orders", _between(bought, moment, following)))
        if day == 0:
            _refresh_again(timeline.store, steps, following, since)
        moment = following
    assert launch["evaluation_ends_at"] == format_instant(ends)


def _names(numbers: Sequence[int]) -> str:
    return f"step{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))}"


def _between(bought: list[Purchase], start: datetime | None, end: datetime) -> bytes:
    """The purchases of the days from `start` to before `end`, as a file."""
    rows = [row for row in bought if row.on < end.date() and (start is None or row.on >= start.date())]
    return orders_csv(rows)


def _expect_whole(job: dict[str, Any]) -> None:
    if job["rejected"] or job["read"] != job["accepted"] + job["duplicates"]:
        raise RuntimeError(f"import {job['import_id']} lost rows: {job}")


def _keep(name: str, link: str) -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    page = OUTPUT / name
    page.write_bytes(httpx.get(link).raise_for_status().content)
    return page


def _all_messages(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := cloud.mail.messages(offset=len(found), limit=1000):
        found += page
    return found


def _message(entry: dict[str, Any]) -> Message:
    """A message as the recorder lists it."""
    known = {field.name: entry[field.name] for field in fields(Message)}
    headers = tuple((name, value) for name, value in entry["headers"])
    moment = parse_instant(entry["sent_at"])
    return Message(**{**known, "headers": headers, "sent_at": moment, "destination": tuple(entry["destination"])})
