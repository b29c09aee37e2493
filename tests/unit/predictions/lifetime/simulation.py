"""Customers drawn from the models themselves: what a fit should find again."""

import numpy as np
from numpy.typing import NDArray

from winback.predictions.lifetime.purchases import Kind, PurchaseModel
from winback.predictions.lifetime.spend import SpendModel


def draw_histories(
    model: PurchaseModel, customers: int, *, seed: int, weeks: int = 52, later_weeks: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """x, t_x and T in days, and purchases in the `later_weeks` after; time itself stays continuous but for rounding."""
    random = np.random.default_rng(seed)
    columns: list[tuple[int, int, int, int]] = []
    for _ in range(customers):
        rate, stops = random.gamma(model.r) / model.alpha, random.beta(model.a, model.b)
        age = int(random.integers(weeks * 3, weeks * 7))
        alive = model.kind is Kind.BG_NBD or random.random() >= stops
        now, x, last, later = 0.0, 0, 0.0, 0
        while alive:
            now += random.exponential(1 / rate) * 7
            if now > age + later_weeks * 7:
                break
            if now <= age:
                x, last = x + 1, now
            else:
                later += 1
            alive = random.random() >= stops
        columns.append((x, min(max(round(last), 1), age) if x else 0, age, later))
    x_, t_, age_, later_ = (np.array(column, dtype=np.int64) for column in zip(*columns, strict=True))
    return x_, t_, age_, later_


def draw_spend(model: SpendModel, paid: NDArray[np.int64], *, seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    rates = random.gamma(model.q, size=len(paid)) / model.gamma
    return random.gamma(model.p * paid) / rates
