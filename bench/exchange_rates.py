"""Daily exchange rates against yearly averages, on real purchases with made-up currencies.

CDNOW's purchases (local/datasets.py) are of one currency. Here its amounts count as pounds, and each customer pays in a
currency of its own, drawn by a hash of its id: 40 % GBP, 30 % EUR, 20 % USD, 10 % JPY. The rates are synthetic: a
random walk per currency from a fixed seed, on weekdays, with a daily spread of 0.5 %, usual of such pairs, and a
few per cent of movement within a year. Each amount is stated in its customer's currency at the rate of its day, so
the daily rates recover what was spent. What is printed says nothing of any real rate.
"""

import csv
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from pathlib import Path

from local.datasets import purchases

ROOT = Path(__file__).parents[1] / "build" / "bench" / "exchange-rates"
FIRST, LAST, AS_OF = date(1996, 12, 30), date(1998, 7, 1), "1998-07-01"
DAILY_SPREAD = 0.005
_SHARES = (("GBP", 40), ("EUR", 70), ("USD", 90), ("JPY", 100))  # cumulative, of a hundred
_STARTS = {"EUR": ("XUDLERS", 1.4), "USD": ("XUDLUSS", 1.65), "JPY": ("XUDLJYS", 195.0)}
_DECIMALS = {"JPY": 0}


def run(small: bool) -> None:
    """Prints the check's report for CDNOW in four currencies; `small` is no different."""
    del small
    ROOT.mkdir(parents=True, exist_ok=True)
    rates = {currency: dict(_walk(currency, start)) for currency, (_, start) in _STARTS.items()}
    orders_file, rates_file = ROOT / "orders.csv", ROOT / "rates.csv"
    with orders_file.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["order_id", "customer_id", "ordered_at", "amount", "currency"])
        for purchase in purchases():
            currency = currency_of(purchase.customer_id)
            day = purchase.on - timedelta(days=max(0, purchase.on.weekday() - 4))
            rate = rates[currency][day] if currency in rates else Decimal(1)
            unit = Decimal(1).scaleb(-_DECIMALS.get(currency, 2))
            amount = (purchase.amount * rate).quantize(unit, ROUND_HALF_UP)
            writer.writerow([purchase.order_id, purchase.customer_id, purchase.on, amount, currency])
    with rates_file.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["DATE", *(code for code, _ in _STARTS.values())])
        for day in rates["EUR"]:
            writer.writerow([day.strftime("%d %b %Y"), *(rates[currency][day] for currency in _STARTS)])
    command = ["rates", "check", "--orders", str(orders_file), "--rates", str(rates_file)]
    command += ["--currency", "GBP", "--as-of", AS_OF]
    subprocess.run([Path(sys.executable).with_name("winback"), *command], check=True)


def currency_of(customer_id: str) -> str:
    drawn = int(sha256(customer_id.encode()).hexdigest(), 16) % 100
    return next(currency for currency, below in _SHARES if drawn < below)


def _walk(currency: str, start: float) -> Iterator[tuple[date, Decimal]]:
    source, level, day = random.Random(f"rates of {currency}"), math.log(start), FIRST
    while day < LAST:
        if day.weekday() < 5:
            level += source.gauss(0, DAILY_SPREAD)
            yield day, Decimal(math.exp(level)).quantize(Decimal("0.0001"))
        day += timedelta(days=1)
