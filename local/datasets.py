"""Real purchases for the demo: CDNOW, read from its package's file (`make setup` puts it under build/datasets).

23,570 customers of an online music store whose first purchase was in the first quarter of 1997, followed to 1998-06-30
(Fader and Hardie, "Forecasting repeat sales at CDNOW", Interfaces 31(3), 2001). The file has dates, but no times, no
order ids and no addresses: orders get their row number as id and midnight UTC as time; customers get made-up
addresses and consents.
"""

import csv
import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CDNOW = ROOT / "build" / "datasets" / "lifetimes" / "datasets" / "CDNOW_master.txt"
CURRENCY = "USD"

# Shares of made-up customers by e-mail consent; those without an address can never be written to.
_CONSENTS = (("granted", 0.86), ("denied", 0.06), ("unknown", 0.08))
_WITHOUT_ADDRESS = 0.01
_SMS_CONSENTS = (("granted", 0.3), ("denied", 0.1), ("unknown", 0.6))
_AREAS = ("212", "718", "917")  # of New York; nobody has a number of 555, which is for directory assistance
_CONSENT_AT = "1997-01-01T00:00:00Z"


@dataclass(frozen=True)
class Purchase:
    order_id: str
    customer_id: str
    on: date
    amount: Decimal


def purchases(path: Path = CDNOW) -> Iterator[Purchase]:
    """All rows of the file in its order: 69,659 purchases. Raises FileNotFoundError before `make setup`."""
    with path.open(encoding="ascii") as lines:
        next(lines)
        for number, line in enumerate(lines, start=1):
            customer, day, _, amount = line.split()
            on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            yield Purchase(f"cdnow-{number:06d}", customer, on, Decimal(amount))


def orders_csv(rows: Iterable[Purchase]) -> bytes:
    """The canonical order file: order_id, customer_id, ordered_at, amount, currency."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["order_id", "customer_id", "ordered_at", "amount", "currency"])
    for row in rows:
        writer.writerow([row.order_id, row.customer_id, f"{row.on.isoformat()}T00:00:00Z", row.amount, CURRENCY])
    return text.getvalue().encode()


def customers_csv(customer_ids: Iterable[str], seed: int) -> bytes:
    """Made-up profiles: an address under example.com, a telephone number, a time zone, and consents drawn per customer
    from the seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ["customer_id", "email", "phone", "first_name", "time_zone", "country"]
    writer.writerow([*columns, "email_consent", "sms_consent", "consent_at", "consent_source"])
    for customer_id in customer_ids:
        draw = random.Random(f"{seed}/{customer_id}")
        by_email = _drawn(draw, _CONSENTS)
        email = "" if draw.random() < _WITHOUT_ADDRESS else f"customer-{customer_id}@example.com"
        name = draw.choice(["Alex", "Bea", "Chris", "Dana", "Eli", "Fran", "Gale", "Hana", "Ira", "Jo"])
        by_text = _drawn(draw, _SMS_CONSENTS)
        place = [email, _number(int(customer_id)), name, "America/New_York", "US"]
        writer.writerow([customer_id, *place, by_email, by_text, _CONSENT_AT, "made up"])
    return text.getvalue().encode()


def _drawn(draw: random.Random, shares: tuple[tuple[str, float], ...]) -> str:
    return draw.choices([name for name, _ in shares], [share for _, share in shares])[0]


def _number(customer: int) -> str:
    area, place = divmod(customer, 10_000)
    return f"+1{_AREAS[area]}555{place:04d}"
