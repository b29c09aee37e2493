"""The tenth of CDNOW that the literature is about (Fader, Hardie and Lee 2005; Fader and Hardie 2013)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from winback.predictions.lifetime.purchases import Kind, PurchaseModel, fit_purchases, purchase_model
from winback.predictions.lifetime.spend import fit_spend
from winback.predictions.lifetime.value import Customers, Fitted, Horizon, predict

SAMPLE = Path(__file__).parents[4] / "build" / "datasets" / "lifetimes" / "datasets" / "CDNOW_sample.txt"
END = date(1997, 9, 30)


def sample() -> Iterator[tuple[str, date, float]]:
    for line in SAMPLE.read_text(encoding="ascii").splitlines():
        _, customer, day, _, amount = line.split()
        yield customer, date(int(day[:4]), int(day[4:6]), int(day[6:])), float(amount)


@pytest.fixture(scope="module")
def customers() -> Customers:
    """As the papers count: same-day purchases are one, weeks from the first purchase to 1997-09-30, the value of the
    first purchase left out."""
    spent: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for customer, day, amount in sample():
        if day <= END:
            spent[customer][day] += amount
    rows = []
    for days in spent.values():
        first, last = min(days), max(days)
        repeats = [amount for day, amount in days.items() if day != first and amount > 0]
        rows.append((len(days) - 1, (last - first).days, (END - first).days, len(repeats), sum(repeats)))
    x, recency, age, paid, total = (np.array(column) for column in zip(*rows, strict=True))
    return Customers(x, recency, age, paid, total.astype(float))


def test_bg_nbd_has_the_published_parameters(customers: Customers) -> None:
    estimate = fit_purchases(Kind.BG_NBD, customers.histories(7)[0])

    assert [round(value, 3) for value in estimate.values] == [0.243, 4.414, 0.793, 2.426]
    assert round(estimate.log_likelihood, 1) == -9582.4
    assert estimate.weak == ()


def test_gamma_gamma_has_the_published_parameters(customers: Customers) -> None:
    repeaters = customers.paid > 0

    estimate = fit_spend(customers.paid[repeaters], customers.spent[repeaters])

    assert repeaters.sum() == 946
    assert [round(value, 2) for value in estimate.values] == [6.25, 3.74, 15.44]


def test_the_papers_customer_is_expected_to_purchase_as_published() -> None:
    """Fader, Hardie and Lee (2005), section 5: x = 2, t_x = 30.43, T = 38.86."""
    model = PurchaseModel(Kind.BG_NBD, 0.243, 4.414, 0.793, 2.426)

    expected = model.expected(np.array([2.0]), np.array([30.43]), np.array([38.86]), 39.0)

    assert expected == pytest.approx(1.226, abs=5e-4)


def test_the_interval_of_a_sum_is_narrower_than_those_of_its_parts(customers: Customers) -> None:
    histories = customers.histories(7)[0]
    repeaters = customers.paid > 0
    spend = fit_spend(customers.paid[repeaters], customers.spent[repeaters])
    fitted = Fitted(Kind.MBG_NBD, 7, fit_purchases(Kind.MBG_NBD, histories), spend)

    found = predict(customers, fitted, Horizon(days=364, discount_rate=0.1))

    assert found.total_cltv is not None
    assert found.cltv.sum() == pytest.approx(found.total_cltv.value)
    assert found.cltv_low.sum() < found.total_cltv.low < found.total_cltv.value < found.total_cltv.high
    assert found.total_cltv.high < found.cltv_high.sum()
    assert (found.cltv < found.expected_purchases * found.expected_value).all()  # discounted
    assert purchase_model(Kind.MBG_NBD, fitted.purchases).a < 1
