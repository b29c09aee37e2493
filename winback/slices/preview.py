"""What a condition selects of a snapshot: how many, what they are worth, how they differ from everybody."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.slices import hiding
from winback.slices.compilation import Ground, Predicate, compile_condition
from winback.slices.condition import Condition
from winback.slices.hiding import DIMENSIONS, Hidden
from winback.slices.problems import ConditionRefused
from winback.slices.requests import HIDDEN_BELOW

SAMPLE = 20
OVER, UNDER = 1.5, 0.67
_CONSENTS = ("email_consent", "sms_consent", "push_consent")
_AMOUNTS = ("net_minor", "gross_minor", "margin_minor", "costed_net_minor", "purchases")
_TYPES = {**dict.fromkeys((*DIMENSIONS, *_CONSENTS), "VARCHAR"), **dict.fromkeys(_AMOUNTS, "BIGINT")}


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tally(Part):
    customers: int
    net_minor: int = Field(description="net value, minor units")
    average_minor: int | None = Field(description="net value per customer, rounded; null without any")


class Overlap(Part):
    """Customers of this condition and of a saved slice, both."""

    slice_id: str
    name: str
    customers: int
    share: float | None = Field(description="of this condition's customers")
    share_of_slice: float | None


class NotCompared(Part):
    """A saved slice that cannot be asked of this snapshot."""

    slice_id: str
    name: str
    why: str


class Representation(Part):
    """One value of one dimension: its share among the condition's customers against its share of everybody."""

    dimension: str
    value: str | None = Field(description="null: not known")
    customers: int | None = Field(description="null: suppressed, too few to show")
    share: float | None
    universe_customers: int | None
    universe_share: float | None
    ratio: float | None = Field(description="share / universe_share")
    mark: Literal["over", "under"] | None = Field(
        description=f"over from a ratio of {OVER}, under up to {UNDER}; none where so few say little"
    )


class Preview(Part):
    as_of: str
    currency: str
    universe: Tally
    selected: Tally
    share: float | None = Field(description="of the universe's customers")
    net_share: float | None = Field(description="of the universe's net value; null where that is not positive")
    sample: list[str] = Field(description=f"up to {SAMPLE} customer keys, the same ones for the same customers")
    overlaps: list[Overlap]
    not_compared: list[NotCompared]
    representation: list[Representation]
    missing: list[str] = Field(description="dimensions that this snapshot does not have; a refresh adds them")


def ground_of(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    currency: str,
    slices: Mapping[str, Condition],
    touches: bool = False,
) -> Ground:
    """The ground of the relation `customers`: rows of a snapshot by customer_key."""
    columns = frozenset(connection.table("customers").columns)
    return Ground(as_of=as_of, currency=currency, columns=columns, slices=slices, touches=touches)


class Marked:
    """The relation `marked`, one row a customer of `customers`: whether a `member`, and whether in each other slice.

    It is written into each statement that reads it, which is several times faster than a table of it would be.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        condition: Condition | None,
        ground: Ground,
        others: Mapping[str, str] | None = None,
    ) -> None:
        """No condition means everybody; `others` are names of slices by id. Raises ConditionRefused for the condition.

        Another slice that cannot be asked of this snapshot is not compared, and says why.
        """
        wanted: dict[str, Predicate] = {}
        if condition is not None:
            wanted["member"] = compile_condition(condition, ground, prefix="m")
        self.others: dict[str, str] = {}
        self.not_compared: list[NotCompared] = []
        for slice_id, name in (others or {}).items():
            place = len(self.others)
            try:
                wanted[f"other_{place}"] = compile_condition(ground.slices[slice_id], ground, prefix=f"o{place}_")
            except ConditionRefused as refused:
                self.not_compared.append(NotCompared(slice_id=slice_id, name=name, why=str(refused)))
                continue
            self.others[slice_id] = name
        plain = [name if name in ground.columns else f"NULL::{kind} AS {name}" for name, kind in _TYPES.items()]
        marks = [f"{predicate.sql} AS {name}" for name, predicate in wanted.items()]
        if condition is None:
            marks.append("TRUE AS member")
        self._connection = connection
        self._with = f"WITH marked AS (SELECT {', '.join(['customer_key', *plain, *marks])} FROM customers)\n"  # noqa: S608
        self._parameters = {name: value for each in wanted.values() for name, value in each.parameters.items()}
        self._execute("CREATE OR REPLACE TEMP TABLE combinations AS " + self._with + read_sql("combinations"), {})

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What a SELECT over `marked` gives."""
        return self._execute(self._with + statement, parameters)

    def combined(self, statement: str) -> list[tuple[Any, ...]]:
        """What a SELECT over the table `combinations` (combinations.sql) gives."""
        return self._connection.execute(statement).fetchall()

    def _execute(self, statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, {**self._parameters, **parameters}).fetchall()


def preview(
    connection: duckdb.DuckDBPyConnection,
    condition: Condition | None,
    ground: Ground,
    *,
    as_of: str,
    others: Mapping[str, str] | None = None,
    hidden_below: int = HIDDEN_BELOW,
) -> Preview:
    """`others`: names of the saved slices to compare with, by id. Raises ConditionRefused."""
    return preview_of(Marked(connection, condition, ground, others), ground, as_of=as_of, hidden_below=hidden_below)


def preview_of(
    marked: Marked, ground: Ground, *, as_of: str, hidden_below: int, hidden: Hidden | None = None
) -> Preview:
    """`hidden`: what to hide of the parts, where more is shown than they are."""
    parts = parts_of(marked, ground)
    if hidden is None:
        hidden = hiding.hide(parts, hidden_below)
    everybody, selected = _totals(marked)
    return Preview(
        as_of=as_of,
        currency=ground.currency,
        universe=everybody,
        selected=selected,
        share=_share(selected.customers, everybody.customers),
        net_share=_share(selected.net_minor, everybody.net_minor) if everybody.net_minor > 0 else None,
        sample=_sample(marked),
        overlaps=_overlaps(marked, selected.customers),
        not_compared=marked.not_compared,
        representation=[
            _representation(
                *part,
                None if part in hidden.selected or part in hidden.universe else members,
                None if part in hidden.universe else customers,
                (everybody.customers, selected.customers, hidden_below),
            )
            for part, (customers, members) in parts.items()
        ],
        missing=[name for name in DIMENSIONS if name not in ground.columns],
    )


def _totals(marked: Marked) -> tuple[Tally, Tally]:
    """Of everybody, and of the members."""
    (row,) = marked.combined(
        "SELECT coalesce(sum(customers), 0)::BIGINT, coalesce(sum(net_minor), 0)::BIGINT, "
        "coalesce(sum(members), 0)::BIGINT, coalesce(sum(members_net_minor), 0)::BIGINT FROM combinations"
    )
    return _tally(row[0], row[1]), _tally(row[2], row[3])


def _tally(customers: int, net_minor: int) -> Tally:
    return Tally(
        customers=customers, net_minor=net_minor, average_minor=round(net_minor / customers) if customers else None
    )


def _sample(marked: Marked) -> list[str]:
    """The first keys in their own order, which is as good as random: they are hashes."""
    found = marked.rows("SELECT customer_key FROM marked WHERE member ORDER BY customer_key LIMIT $most", most=SAMPLE)
    return [row[0] for row in found]


def parts_of(marked: Marked, ground: Ground) -> dict[hiding.Part, tuple[int, int]]:
    """Customers of the universe and of the members, by dimension and value."""
    return {
        (dimension, value): (customers, members)
        for dimension, value, customers, members in marked.combined(read_sql("representation"))
        if dimension in ground.columns
    }


def _representation(
    dimension: str, value: str | None, members: int | None, customers: int | None, sizes: tuple[int, int, int]
) -> Representation:
    everybody, selected, hidden_below = sizes
    share = _share(members, selected)
    universe_share = _share(customers, everybody)
    ratio = share / universe_share if share is not None and universe_share else None
    mark: Literal["over", "under"] | None = None
    # With as few expected and as few found, a ratio is mostly chance.
    telling = universe_share is not None and max(universe_share * selected, members or 0) >= hidden_below
    if ratio is not None and telling:
        mark = "over" if ratio >= OVER else "under" if ratio <= UNDER else None
    return Representation(
        dimension=dimension,
        value=value,
        customers=members,
        share=share,
        universe_customers=customers,
        universe_share=universe_share,
        ratio=ratio,
        mark=mark,
    )


def _overlaps(marked: Marked, selected: int) -> list[Overlap]:
    others = marked.others
    if not others:
        return []
    counts = ", ".join(
        f"count(*) FILTER (member AND other_{number}), count(*) FILTER (other_{number})"
        for number in range(len(others))
    )
    (row,) = marked.rows(f"SELECT {counts} FROM marked")  # noqa: S608 (names of ours)
    return [
        Overlap(
            slice_id=slice_id,
            name=name,
            customers=row[2 * number],
            share=_share(row[2 * number], selected),
            share_of_slice=_share(row[2 * number], row[2 * number + 1]),
        )
        for number, (slice_id, name) in enumerate(others.items())
    ]


def _share(part: int | None, whole: int) -> float | None:
    return part / whole if part is not None and whole else None


def read_sql(name: str) -> str:
    """The text of one of this package's statements."""
    return files("winback.slices").joinpath(f"{name}.sql").read_text(encoding="utf-8")
