"""Orders as a store sends them, and as the lake keeps them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from winback.fields import LEEWAY, Identifier, OptionalText, ReceivedInstant, plain, stripped
from winback.identifiers import CustomerKey
from winback.instants import format_instant
from winback.money import Money

LARGEST_AMOUNT = Decimal(10) ** 12
MOST_DIGITS = 28
MOST_CODES = 20
LONGEST_CODE = 255
"""Shopify's bound on a discount code (https://matrixify.app/documentation/discounts/), the longest known of shops."""
_BETWEEN_FIELDS, _BETWEEN_PARTS, _BETWEEN_LINES, _BEFORE_CODES = "\x1f", "\x1e", "\x1d", "\x1c"


def _number(value: object) -> object:
    """JSON numbers as the text that was sent; booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError("is not a number: expected a decimal point and digits such as 1234.50")
    try:
        number = Decimal(str(value).strip())
    except ArithmeticError:
        raise ValueError("is not a number: expected a decimal point and digits such as 1234.50") from None
    if not number.is_finite():
        raise ValueError("is not a number: expected a decimal point and digits such as 1234.50")
    _, digits, exponent = number.as_tuple()
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"has too many digits: expected at most {MOST_DIGITS}")
    # By exponent first: arithmetic on a number such as 1e999999999 fails.
    if not isinstance(exponent, int) or exponent < -MOST_DIGITS:
        raise ValueError(f"has too many decimals: expected at most {MOST_DIGITS}")
    if exponent > MOST_DIGITS or abs(number) >= LARGEST_AMOUNT:
        raise ValueError(f"is out of range: expected less than {LARGEST_AMOUNT:,}")
    return number


def _thousandths(number: Decimal) -> Decimal:
    if number != number.quantize(Decimal("0.001")):
        raise ValueError("has too many decimals: expected at most three")
    return number.quantize(Decimal("0.001"))


def _code_of(item: object) -> object:
    """The code of a shop's own object, such as one of Shopify's `discount_codes`; None where nothing is in it."""
    return stripped(item.get("code", item) if isinstance(item, Mapping) else item)


def _codes(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [code for item, code in zip(value, map(_code_of, value), strict=True) if code is not None or item is None]


Amount = Annotated[Decimal, BeforeValidator(_number)]
DiscountCode = Annotated[str, Field(max_length=LONGEST_CODE), AfterValidator(plain)]


class ReceivedLine(BaseModel):
    """One line of an order; `price` is what was paid for all of the line, `cost` what all of it cost the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: OptionalText = None
    category: OptionalText = None
    quantity: Annotated[Amount, AfterValidator(_thousandths)] | None = None
    price: Amount
    cost: Amount | None = None


class ReceivedOrder(BaseModel):
    """One order as received. `amount` is what was paid, net of `discount`; a negative one is a return.

    `cost` is what the goods cost the store. Without it, it is the sum of the lines' costs, if each line has one.
    `discount_codes` are those that it was paid with, an empty list says none: texts, or objects with a `code`. So they
    can be handed on as shops state them: `discount_codes` of an order of Shopify
    (https://shopify.dev/docs/api/admin-rest/latest/resources/order), `coupon_lines` of one of WooCommerce
    (https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_id: Identifier
    order_id: Identifier
    ordered_at: ReceivedInstant
    amount: Amount
    currency: Annotated[str, BeforeValidator(lambda code: code.upper() if isinstance(code, str) else code)] | None = (
        Field(default=None, pattern=r"^[A-Z]{3}$")
    )
    discount: Annotated[Amount, Field(ge=0)] | None = None
    cost: Amount | None = None
    discount_codes: Annotated[list[DiscountCode], BeforeValidator(_codes), Field(max_length=MOST_CODES)] | None = None
    lines: list[ReceivedLine] | None = Field(default=None, max_length=500)


class OrderProblem(ValueError):
    """A field that fits by itself but not with the rest of the order or the moment."""

    def __init__(self, field: str, problem: str, expected: str) -> None:
        super().__init__(f"{field} {problem}: expected {expected}")
        self.field, self.problem, self.expected = field, problem, expected


@dataclass(frozen=True)
class OrderLine:
    sku: str | None
    category: str | None
    quantity: Decimal | None  # three decimals
    price_minor: int
    cost_minor: int | None

    @property
    def text(self) -> str:
        """A line without a cost has no part for it, so that it reads as lines did before costs were taken."""
        quantity = "" if self.quantity is None else f"{self.quantity:.3f}"
        cost = [] if self.cost_minor is None else [str(self.cost_minor)]
        return _BETWEEN_PARTS.join([self.sku or "", self.category or "", quantity, str(self.price_minor), *cost])


@dataclass(frozen=True)
class Order:
    """As the lake keeps it: money in minor units, lines and codes in a fixed order."""

    order_id: str
    customer_id: str
    ordered_at: datetime
    amount_minor: int
    currency: str
    discount_minor: int | None
    cost_minor: int | None
    lines: tuple[OrderLine, ...]
    discount_codes: tuple[str, ...] | None  # each once; None: it was not said

    @classmethod
    def of(cls, received: ReceivedOrder, *, default_currency: str, now: datetime) -> Self:
        """Raises OrderProblem for decimals that the currency lacks, for an order of the future, and for a cost below
        zero of what is no return."""
        if received.ordered_at > now + LEEWAY:
            raise OrderProblem("ordered_at", "is in the future", f"at most {format_instant(now + LEEWAY)}")
        currency = received.currency or default_currency
        lines = [
            OrderLine(
                line.sku,
                line.category,
                line.quantity,
                _minor(f"lines[{i}].price", line.price, currency),
                _cost(f"lines[{i}].cost", line.cost, line.price, currency),
            )
            for i, line in enumerate(received.lines or [])
        ]
        cost = _cost("cost", received.cost, received.amount, currency)
        return cls(
            order_id=received.order_id,
            customer_id=received.customer_id,
            ordered_at=received.ordered_at,
            amount_minor=_minor("amount", received.amount, currency),
            currency=currency,
            discount_minor=None if received.discount is None else _minor("discount", received.discount, currency),
            cost_minor=_cost_of_lines(lines) if cost is None else cost,
            lines=tuple(sorted(lines, key=lambda line: line.text.encode())),
            discount_codes=(
                None if received.discount_codes is None else tuple(sorted(set(received.discount_codes), key=str.encode))
            ),
        )

    def fingerprint(self) -> str:
        """Tells a repeated order from a changed one; winback/imports/sql/order_content.sql computes the same."""
        parts = [
            self.order_id,
            self.customer_id,
            str(int(self.ordered_at.timestamp())),
            str(self.amount_minor),
            self.currency,
            "" if self.discount_minor is None else str(self.discount_minor),
            _BETWEEN_LINES.join(line.text for line in self.lines),
        ]
        if self.cost_minor is not None:  # an order without one keeps the fingerprint of before costs were taken
            parts.append(str(self.cost_minor))
        content = _BETWEEN_FIELDS.join(parts)
        if self.discount_codes:
            content += _BEFORE_CODES + _BETWEEN_PARTS.join(self.discount_codes)
        return hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()[:16]

    def row(self, customer_key: CustomerKey, received_at: datetime) -> dict[str, Any]:
        """A row of the lake's order files (docs/data-model.md)."""
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "customer_key": customer_key,
            "ordered_at": format_instant(self.ordered_at),
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "discount_minor": self.discount_minor,
            "cost_minor": self.cost_minor,
            "lines": [_line_row(line) for line in self.lines] or None,
            "discount_codes": None if self.discount_codes is None else list(self.discount_codes),
            "fingerprint": self.fingerprint(),
            "received_at": format_instant(received_at),
        }


def latest_order_times(orders: Iterable[Order]) -> dict[str, datetime]:
    """Customer id -> time of the latest of these orders that is a purchase (returns are not)."""
    latest: dict[str, datetime] = {}
    for order in orders:
        if order.amount_minor >= 0:
            latest[order.customer_id] = max(order.ordered_at, latest.get(order.customer_id, order.ordered_at))
    return latest


def _minor(field: str, amount: Decimal, currency: str) -> int:
    try:
        return Money.of(amount, currency).minor
    except ValueError:
        raise OrderProblem(field, "has too many decimals", f"no more than {currency} has") from None


def _cost(field: str, cost: Decimal | None, paid: Decimal, currency: str) -> int | None:
    if cost is None:
        return None
    if cost < 0 <= paid:
        raise OrderProblem(field, "is negative", "what the goods cost; only that of a return is below zero")
    return _minor(field, cost, currency)


def _cost_of_lines(lines: Sequence[OrderLine]) -> int | None:
    """None without lines, and where a line does not tell: part of a cost would overstate the margin."""
    costs = [line.cost_minor for line in lines if line.cost_minor is not None]
    return sum(costs) if lines and len(costs) == len(lines) else None


def _line_row(line: OrderLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "category": line.category,
        "quantity": None if line.quantity is None else float(line.quantity),
        "price_minor": line.price_minor,
        "cost_minor": line.cost_minor,
    }
