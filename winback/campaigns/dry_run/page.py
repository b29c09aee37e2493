"""The dry run as one page: what a marketer reads before approving."""

from collections.abc import Iterator, Mapping
from typing import Any

from winback.campaigns.dry_run import page_money as money
from winback.campaigns.dry_run import page_plan as plan
from winback.campaigns.launch import LATEST_START
from winback.instants import parse_instant
from winback.pages import Html, Tile, bullets, details, element, figures, note, page, section, tiles

Run = Mapping[str, Any]


def dry_run_page(run: Run) -> str:
    """The document of a dry run's JSON, for a browser or a print; it fetches nothing."""
    return page(
        run["definition"]["name"],
        _lead(run),
        [
            tiles(_tiles(run)),
            *_warnings(run),
            plan.who(run),
            plan.when(run),
            *plan.steps(run),
            *plan.tests(run),
            money.outlook(run),
            *money.offers(run),
            money.cost(run),
            *_samples(run),
            *_preflight(run),
            _limits(),
        ],
        kicker="Winback, dry run",
        facts=[
            ("Launch", run["launch_id"]),
            ("Starts, UTC", plan.instant(run["starts_at"])),
            ("Evaluation ends", run["evaluation_ends_at"][:10]),
            ("Snapshot", run["snapshot_id"]),
            ("Its customers as of, UTC", plan.instant(run["audience_as_of"])),
            ("Fingerprint", run["fingerprint"]),
        ],
        footer="Computed from the launch's own plan: nothing was sent. An approval names the fingerprint, so that what "
        "was read is what is approved. All times are UTC. The figures of this page are in dry_run.json beside it.",
    )


def _lead(run: Run) -> str:
    arms = run["audience"]["arms"]
    messages = plan.most_and_expected(run["cost"]["messages"], plan.expected_messages(run))
    return (
        f"It would address {figures.count(arms['treatment'])} customers from {plan.instant(run['starts_at'])} UTC on "
        f"and hold {figures.count(arms['holdout'])} out, with {messages}."
    )


def _tiles(run: Run) -> list[Tile]:
    arms, effect = run["audience"]["arms"], run["detectable_effect"]["percentage_points"]
    expected = plan.expected_messages(run)
    return [
        Tile("Customers treated", figures.count(arms["treatment"]), f"{figures.count(arms['holdout'])} held out"),
        Tile("Messages at most", figures.count(run["cost"]["messages"]), plan.expected_words(run, expected)),
        Tile(
            "Smallest effect it can tell",
            figures.MISSING if effect is None else figures.points(effect / 100, sign=False),
            "nobody is held out" if effect is None else "percentage points more buyers; found in 80 % of launches",
            "caution" if effect is None else "plain",
        ),
        money.outlook_tile(run),
        money.cost_tile(run),
        *money.offer_tiles(run),
    ]


def _warnings(run: Run) -> Iterator[Html]:
    for check in run["preflight"]:
        if check["passed"] is False:
            yield note(_says(check), tone="bad" if check["required"] else "caution")
    for channel, row in run["channels"].items():
        if row.get("hours_over"):
            yield note(
                f"The plan asks more of {plan.CHANNELS[channel]} than its provider takes in {row['hours_over']} hours: "
                f"the last message would leave at {plan.instant(row['last_leaves_at'])} UTC.",
                tone="caution",
            )
    if stale := sum(row.get("stale", 0) for step in run["steps"] for row in step["channels"].values()):
        yield note(
            f"{figures.count(stale)} messages would not leave at all: the provider's rate is too small to send them "
            "a day before the next step. Address fewer, space the steps out, or raise the quota.",
            tone="bad",
        )
    for step, channel in dict.fromkeys(
        (row["step"], row["channel"]) for row in run["samples"] if row.get("without_code")
    ):
        yield note(
            f"Step {step}, {plan.CHANNELS[channel]}, does not show the code of its offer: who is reached there gets "
            "a code without seeing it. Show {{ offer.code }} in the template, or leave the offer out of the step.",
            tone="caution",
        )
    age = parse_instant(run["starts_at"]) - parse_instant(run["audience_as_of"])
    if age > LATEST_START:
        yield note(
            f"It starts {age.days} days after its customers were chosen: others belong to its segments by then. "
            "Refresh, and prepare a launch that starts sooner.",
            tone="caution",
        )
    if not run["audience"]["arms"]["holdout"]:
        yield note("Nobody is held out, so what this launch causes will not be known.", tone="caution")
    if not run["audience"]["arms"]["treatment"]:
        yield note("It reaches nobody.", tone="bad")


def _samples(run: Run) -> list[Html]:
    if not run["samples"]:
        return []
    return [
        section(
            "What they would read",
            *(
                details(_sample_title(sample), element("pre", sample["text"], class_="sample"))
                for sample in run["samples"]
            ),
            lead="Each message as text, as someone of whom nothing is known would get it; the HTML is in dry_run.json.",
        )
    ]


def _sample_title(sample: Mapping[str, Any]) -> str:
    first = sample.get("subject") or sample.get("title") or sample["text"].partition("\n")[0][:70]
    where = f"Step {sample['step']}, {plan.CHANNELS[sample['channel']]}"
    return f"{where}{', ' + sample['variant'] if sample.get('variant') else ''}: {first}"


def _says(check: Mapping[str, Any]) -> str:
    remedy = check["remedy"] or ""
    return f"{check['name']}: {check['problem']}. {remedy[:1].upper()}{remedy[1:]}".rstrip(". ") + "."


def _preflight(run: Run) -> list[Html]:
    if not run["preflight"]:
        return []
    return [
        section(
            "Checked before an approval",
            plan.words_table(
                ["Check", "Channel", "Result"],
                [
                    [
                        check["name"],
                        plan.CHANNELS[check["channel"]],
                        {True: "passed", None: "could not be checked"}.get(check["passed"], _says(check)),
                    ]
                    for check in run["preflight"]
                ],
            ),
        )
    ]


def _limits() -> Html:
    return section(
        "What it does not say",
        bullets(
            [
                "Customers buy, unsubscribe and hear from other campaigns until then: fewer may leave, and never more.",
                "Who opens or buys is not known yet: steps behind a branch are counted for all whom they may concern.",
                "Ranges of what it may bring rest on past launches or on stated assumptions. They are no promise.",
            ]
        ),
    )
