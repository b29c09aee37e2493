"""The dry run page's sections on the plan: who, when, on which path, in which test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from winback.delivery.reason_words import reason_in_words
from winback.pages import Bar, Content, Html, bar_chart, columns, figures, paragraph, section, subheading, table

Run = Mapping[str, Any]
CHANNELS = {"email": "e-mail", "sms": "SMS", "push": "push", "webhook": "the webhook", "call": "calls"}
_MOST_HOURS = 36  # beyond, a chart of days says more


def instant(text: str | None) -> str:
    """`2026-11-23 09:30`."""
    return figures.MISSING if text is None else text[:16].replace("T", " ")


def words_table(heads: Sequence[str], rows: Sequence[Sequence[Content]]) -> Html:
    return table(heads, rows, align="l" * len(heads))


def expected_messages(run: Run) -> dict[str, int]:
    return {
        bound: sum(step["expected_recipients"][bound] for step in run["steps"]) for bound in ("estimate", "low", "high")
    }


def most_and_expected(most: int, expected: Mapping[str, int]) -> str:
    if expected["estimate"] == most:
        return f"{figures.count(most)} messages"
    return f"{figures.count(most)} messages at most, about {figures.count(expected['estimate'])} expected"


def expected_words(run: Run, expected: Mapping[str, int]) -> str:
    if expected["low"] == expected["high"]:
        return "every step goes to everybody planned"
    bases = {step["expected_recipients"]["basis"] for step in run["steps"]}
    basis = "assumed" if "assumed" in bases else "measured"
    span = figures.span(figures.count(expected["low"]), figures.count(expected["high"]))
    return f"expected {figures.count(expected['estimate'])} ({span}), {basis}"


def who(run: Run) -> Html:
    audience = run["audience"]
    excluded, arms = audience["excluded"], audience["arms"]
    kept = sum(arms.values()) - sum(audience["measured"].values())
    return section(
        "Who is addressed",
        columns(
            table(
                ["Customers", "Count"],
                [
                    ["Match the audience", audience["candidates"]],
                    ["Excluded before assignment", excluded["customers"]],
                    ["Treated", arms["treatment"]],
                    ["Held out", arms["holdout"]],
                    *([["Of tiers that are never held out", kept]] if kept else []),
                ],
            ),
            reasons("Why customers are excluded", excluded["reasons"], "Customers"),
        ),
        table(
            ["Segment", "Match", "Treated", "Held out"],
            [[name, row["candidates"], row["treatment"], row["holdout"]] for name, row in audience["segments"].items()],
        ),
        lead="Eligibility is decided before chance divides the rest, so that both groups are of the same kind.",
    )


def when(run: Run) -> Html:
    by_hour: Counter[str] = Counter()
    for step in run["steps"]:
        by_hour.update(step["recipients_by_hour"])
    by_day: Counter[str] = Counter()
    for hour, number in by_hour.items():
        by_day[hour[:10]] += number
    hourly = len(by_hour) <= _MOST_HOURS
    bars = [
        Bar(instant(hour) if hourly else hour, number)
        for hour, number in sorted((by_hour if hourly else by_day).items())
    ]
    return section(
        "What leaves when",
        bar_chart(bars, label="Messages planned by hour" if hourly else "Messages planned by day"),
        table(
            ["Channel", "Messages", "Busiest hour, UTC", "Most a second", "Most in 24 hours", "Last one leaves, UTC"],
            [_channel(name, row) for name, row in run["channels"].items()],
            align="lrlrrl",
        ),
        lead=f"At most, by {'hour' if hourly else 'day'} as planned, UTC; the provider's rate may spread them further.",
    )


def _channel(name: str, row: Mapping[str, Any]) -> list[Content]:
    busiest = row.get("busiest_hour")
    return [
        CHANNELS[name],
        row["messages"],
        f"{instant(busiest['hour'])}: {figures.count(busiest['messages'])}" if busiest else figures.MISSING,
        figures.MISSING if row["per_second"] is None else f"{row['per_second']:g}",
        row.get("per_day"),
        instant(row.get("last_leaves_at")),
    ]


def steps(run: Run) -> list[Html]:
    rows: list[list[Content]] = [
        [
            f"{step['step']}, {step['name']}",
            instant(step["planned_at"]),
            _path(step["conditions"]),
            ", ".join(f"{CHANNELS[name]} {figures.count(row['recipients'])}" for name, row in step["channels"].items())
            or "nobody",
            step["recipients"],
            step["expected_recipients"]["estimate"],
            step["excluded"]["customers"],
        ]
        for step in run["steps"]
    ]
    found = [
        section(
            "The steps",
            table(["Step", "Planned, UTC", "Path", "By", "At most", "Expected", "Excluded"], rows, align="llllrrr"),
            columns(
                *(
                    reasons(f"Why step {step['step']} leaves customers out", step["excluded"]["reasons"], "Customers")
                    for step in run["steps"]
                    if step["excluded"]["reasons"]
                )
            ),
        )
    ]
    if run["branches"]:
        found.append(
            section(
                "The branches",
                table(
                    ["Branch", "Asked, UTC", "Question", "Yes", "Range", "Which is"],
                    [_branch(row) for row in run["branches"]],
                    align="lllrrl",
                ),
                paragraph(
                    "Nobody knows yet who will open a message or buy. The share is that of this account's finished "
                    "launches where they have told it, and otherwise an assumption of ours."
                ),
            )
        )
    return found


def _branch(row: Mapping[str, Any]) -> list[Content]:
    share = row["then"]
    asked = {
        "engaged": f"opened or clicked step {row['step']}",
        "converted": "bought since the start",
        "segment": f"is {' or '.join(row['segments'])}",
    }
    basis = f"measured by {share['launches']} launches" if share["basis"] == "measured" else share["basis"]
    return [
        f"Branch {row['branch']}",
        instant(row["planned_at"]),
        asked[row["on"]],
        figures.percent(share["estimate"]),
        figures.span(figures.percent(share["low"]), figures.percent(share["high"])),
        basis,
    ]


def _path(conditions: Sequence[Mapping[str, Any]]) -> str:
    words = {"then": "yes", "otherwise": "no"}
    return "; ".join(f"branch {row['branch']}: {words[row['way']]}" for row in conditions) or "everybody"


def tests(run: Run) -> list[Html]:
    effect = run["detectable_effect"]
    return [
        section(
            "What it can tell",
            paragraph(
                _detectable(effect, "treated and held-out customers"),
                f" Rests on {figures.percent(effect['assumed_return_rate'])} who buy without a message: "
                f"{effect['assumption']}.",
            ),
            *(part for experiment in run["experiments"] for part in _experiment(experiment)),
            lead="Too small a difference will read as too small to tell.",
        )
    ]


def _experiment(experiment: Mapping[str, Any]) -> list[Html]:
    return [
        subheading(f"Experiment {experiment['experiment']}, at {experiment['step'] or 'every step'}"),
        table(
            ["Variant", "Customers", "Messages", "Smallest difference in purchases from the control"],
            [
                [
                    row["variant"],
                    row["customers"],
                    row["messages"],
                    "the control" if row.get("control") else _points(row["detectable_effect"]["percentage_points"]),
                ]
                for row in experiment["variants"]
            ],
        ),
    ]


def _detectable(effect: Mapping[str, Any], between: str) -> str:
    if effect["percentage_points"] is None:
        return "Without customers in both groups it cannot tell what it causes."
    return (
        f"Between {between} it finds a true increase of {_points(effect['percentage_points'])} or more in 80 % of "
        "launches."
    )


def _points(percentage_points: float | None) -> str:
    return (
        "needs customers in both" if percentage_points is None else figures.points(percentage_points / 100, sign=False)
    )


def reasons(title: str, found: Mapping[str, int], counted: str) -> Html:
    if not found:
        return paragraph(f"{title}: none are.")
    ordered = sorted(found.items(), key=lambda row: (-row[1], row[0]))
    return table(
        ["Reason", counted],
        [[reason_in_words(name), number] for name, number in ordered],
        caption=f"{title}; one may have several reasons",
    )
