"""A month's bill of a deployment: counted causes times what a month has of each, at list prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from winback.costs.counted import Counted, Measure
from winback.costs.prices import price

SIZES = (10_000, 250_000, 10_000_000)
"""Customers of the deployments that are shown."""
DAYS = 30
MINUTES = DAYS * 24 * 60


@dataclass(frozen=True)
class Month:
    """What is assumed of a deployment's month. Rates are of each customer."""

    customers: int
    orders: float = 0.25
    """Orders that come in, through the API in batches of a hundred."""
    addressed: float = 0.3
    """The share that is in some launch."""
    messages_each: float = 1.6
    """E-mails of such a customer: two steps, a fifth held out."""
    launches: int = 4

    @property
    def messages(self) -> int:
        return round(self.customers * self.addressed * self.messages_each)

    def in_words(self) -> tuple[str, ...]:
        return (
            f"{self.orders:g} orders a customer, taken in through the API in batches of a hundred",
            f"{self.messages:,} e-mails: {self.addressed * 100:.0f} % of the customers in {self.launches} launches",
            "a refresh each day, on which 1 % of the customers have ordered",
            "one account; serverless endpoints; without training, texts, and Spark, which refreshes of millions run on",
        )


@dataclass(frozen=True)
class Line:
    cause: str
    does: str
    number: float
    measure: Measure | None
    dollars: Decimal


def bill(counted: Counted, month: Month) -> tuple[Line, ...]:
    """Providers first, then every counted cause."""
    listed = price("ses_email")
    numbers = _numbers(counted, month)
    return (
        Line("SES", "the e-mails themselves, à la carte", month.messages, Measure.MESSAGE, listed.of(month.messages)),
        *(
            Line(cause.name, cause.does, numbers[cause.measure], cause.measure, cause.total(numbers[cause.measure]))
            for cause in counted.causes
        ),
    )


def total(lines: tuple[Line, ...]) -> Decimal:
    return sum((line.dollars for line in lines), Decimal(0))


def _numbers(counted: Counted, month: Month) -> Mapping[Measure, float]:
    run = counted.run
    return {
        Measure.MESSAGE: month.messages,
        Measure.CANDIDATE: month.messages * run.candidates / run.messages,
        Measure.PLANNED: month.messages * run.planned / run.messages,
        Measure.LAUNCH: month.launches,
        Measure.ORDER: month.customers * month.orders,
        Measure.CUSTOMER_DAY: month.customers * DAYS,
        Measure.MINUTE: MINUTES,
        Measure.MONTH: 1,
    }
