"""A small shop's orders with its brief's facts, and Markdown read back as a reader's program would."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
from markdown_it import MarkdownIt

from winback.briefs.facts import AccountFacts
from winback.briefs.live import facts_of_summary
from winback.briefs.particulars import observe
from winback.briefs.reading import read_text
from winback.briefs.stated import with_notes
from winback.playbook.loading import shipped_playbook
from winback.segmentation.data_quality import assess, measure
from winback.segmentation.organic_return import observe_returns
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise
from winback.segmentation.suppression import suppress

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
_TABLE = (
    "CREATE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, "
    "discount_minor BIGINT, cost_minor BIGINT)"
)
_PROFILES = (
    "CREATE TABLE profiles (customer_id VARCHAR, email_consent VARCHAR, sms_consent VARCHAR, push_consent VARCHAR, "
    "acquisition_channel VARCHAR, created_at TIMESTAMP)"
)


@dataclass
class Shop:
    document: dict[str, Any]
    """summary.json with all that a refresh writes beside it."""

    def facts(self, notes: str = "", *, fewest: int = 1) -> AccountFacts:
        return with_notes(facts_of_summary(self.document, shipped_playbook(), fewest=fewest), read_text(notes))


def make_shop(
    *groups: tuple[int, int, int, int], fewest: int = 1, margin: bool = False, consents: bool = False
) -> Shop:
    """Customers by rhythm: `(number, usual gap in days, silence, price in minor units)`; no gap: bought once."""
    source = random.Random(3)
    with duckdb.connect() as connection:
        connection.execute(_TABLE)
        rows, profiles, customer = [], [], 0
        for number, gap, silence, price in groups:
            for _ in range(number):
                customer += 1
                at = AS_OF - timedelta(days=silence)
                profiles.append((f"c{customer}", "granted" if source.random() < 0.5 else "denied"))
                for order in range(1 + (source.randint(1, 9) if gap else 0)):
                    amount = round(price * source.uniform(0.5, 1.5))
                    cost = amount // 2 if margin else None
                    rows.append((f"o{customer}-{order}", f"c{customer}", at.replace(tzinfo=None), amount, 0, cost))
                    at -= timedelta(days=max(1, round(gap * source.uniform(0.5, 1.5))))
        if rows:
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)
        if consents:
            connection.execute(_PROFILES)
            connection.executemany(
                "INSERT INTO profiles VALUES (?, ?, 'unknown', 'unknown', 'newsletter', NULL)", profiles
            )
        organic = observe_returns(connection, as_of=AS_OF, currency="EUR")
        rubric = build_snapshot(connection, as_of=AS_OF, currency="EUR")
        summary = summarise(connection, as_of=AS_OF, currency="EUR", rubric=rubric, organic=organic)
        return Shop(
            {
                **suppress(summary, fewest).model_dump(mode="json"),
                "particulars": observe(connection).model_dump(mode="json"),
                "data_quality": [gap.model_dump(mode="json") for gap in assess(measure(connection))],
            }
        )


def sections(brief: Any) -> dict[str, Any]:
    return {section.name: section for section in brief.sections}


def rendered(text: str) -> str:
    """HTML as GitHub's dialect gives it, with bare links looked for."""
    html: str = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    return html


def tables(text: str) -> Iterator[list[list[str]]]:
    """The cells of every table, as they are read back."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    rows: list[list[str]] = []
    for n, token in enumerate(tokens):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(tokens[n + 1].content)
        elif token.type == "table_close":
            yield rows
