"""Lifetime value against the `lifetimes` package: fit BG/NBD and Gamma-Gamma, and predict for every customer.

Both get the same arrays, one row a customer (x, t_x, T in whole days, mean value of the repeat purchases), and are
timed by the processor's time, without reading them: 24 k are CDNOW's customers until 1997-09-30, 1 M are drawn from
BG/NBD and Gamma-Gamma with CDNOW's parameters and up to two years each. Counting equal histories is in our time. Both
predict P(alive), purchases, their value and the product of the two; discounting and intervals, which the other has
month by month or not at all, are timed apart. It runs in an environment of its own (locks/lifetimes.txt).
"""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.datasets import purchases
from winback.predictions.lifetime.fitting import Estimate
from winback.predictions.lifetime.purchases import Kind, fit_purchases
from winback.predictions.lifetime.spend import fit_spend
from winback.predictions.lifetime.value import Customers, Fitted, Horizon, expect, predict

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "build" / "bench" / "clv"
PEER = REPOSITORY / "build" / "lifetimes"
CALIBRATION_END = date(1997, 9, 30)
WEEKS = 52
_TRUTH = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
_SPEND = {"p": 6.25, "q": 3.744, "gamma": 15.44}


def run(small: bool) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    interpreter = _peer()
    _compare("CDNOW", _cdnow(), interpreter)
    _compare("simulated", _simulated(100_000 if small else 1_000_000), interpreter)


def _compare(name: str, customers: Customers, interpreter: Path) -> None:
    path = FOLDER / f"{name}.npz"
    np.savez(path, **vars(customers))
    ours = _timed([sys.executable, "-m", "bench.clv", path])
    theirs = _timed([interpreter, Path(__file__).with_name("_lifetimes.py"), path, str(WEEKS)])
    # Judged by one formula: each package writes its likelihood in its own terms.
    theirs["log_likelihood"] = _likelihoods_at(customers, theirs)
    print(f"{name}: {len(customers.repeats):,} customers")
    for row in ("bg_nbd", "gamma_gamma", "predict", "total"):
        ratio = theirs[row] / ours[row]
        print(f"  {row:12} winback {ours[row]:8.2f} s   lifetimes {theirs[row]:8.2f} s   {ratio:6.1f} x faster")
    print(f"  discounted, with each customer's interval: winback {ours['with_intervals']:.2f} s")
    for model in ("bg_nbd", "gamma_gamma"):
        mine, other = ours["log_likelihood"][model], theirs["log_likelihood"][model]
        better = "no worse" if mine >= other - 1e-9 * abs(other) else "WORSE"
        print(f"  log-likelihood {model:12} winback {mine:18,.3f}   lifetimes {other:18,.3f}   {better}")
    print(f"  expected purchases, sum: winback {ours['purchases']:,.1f}   lifetimes {theirs['purchases']:,.1f}")
    print(
        f"  CLTV, sum:               winback {ours['cltv']:,.0f}   lifetimes {theirs['cltv']:,.0f} (both undiscounted)"
    )


def _timed(command: Sequence[str | Path]) -> dict[str, Any]:
    """On one thread: how many the linear algebra takes is no matter of the packages."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=REPOSITORY)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _ours(path: str) -> dict[str, Any]:
    data = np.load(path)
    customers = Customers(*(data[name] for name in ("repeats", "recency_days", "age_days", "paid", "spent")))
    marks = [time.process_time()]
    histories, _ = customers.histories(7)
    purchases_fit = fit_purchases(Kind.BG_NBD, histories)
    marks.append(time.process_time())
    paid = customers.paid > 0
    spend_fit = fit_spend(customers.paid[paid], customers.spent[paid])
    marks.append(time.process_time())
    fitted = Fitted(Kind.BG_NBD, 7, purchases_fit, spend_fit)
    found = expect(customers, fitted, Horizon(WEEKS * 7))
    marks.append(time.process_time())
    predict(customers, fitted, Horizon(WEEKS * 7, discount_rate=0.1))
    with_intervals = time.process_time() - marks[-1]
    return {
        **dict(zip(("bg_nbd", "gamma_gamma", "predict"), np.diff(marks).tolist(), strict=True)),
        "total": marks[-1] - marks[0],
        "with_intervals": with_intervals,
        "log_likelihood": _likelihoods(purchases_fit, spend_fit),
        "purchases": float(found.purchases.sum()),
        "cltv": float(found.cltv.sum()),
    }


def _likelihoods(purchases_fit: Estimate, spend_fit: Estimate) -> dict[str, float]:
    return {"bg_nbd": purchases_fit.log_likelihood, "gamma_gamma": spend_fit.log_likelihood}


def _likelihoods_at(customers: Customers, found: dict[str, Any]) -> dict[str, float]:
    from winback.predictions.lifetime import purchases as purchase_models  # noqa: PLC0415
    from winback.predictions.lifetime import spend as spend_models  # noqa: PLC0415

    paid = customers.paid > 0
    of_purchases = purchase_models.log_likelihood(Kind.BG_NBD, customers.histories(7)[0])
    of_spend = spend_models.log_likelihood(customers.paid[paid], customers.spent[paid])
    return {
        "bg_nbd": of_purchases(np.log([found["bg_nbd_parameters"][name] for name in ("r", "alpha", "a", "b")])).value,
        "gamma_gamma": of_spend(np.log([found["gamma_gamma_parameters"][name] for name in ("p", "q", "v")])).value,
    }


def _peer() -> Path:
    """The interpreter of an environment with `lifetimes`, made on first use."""
    interpreter, ready = PEER / "bin" / "python", PEER / ".ready"
    lock = REPOSITORY / "locks" / "lifetimes.txt"
    if not ready.exists() or ready.read_bytes() != lock.read_bytes():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, PEER], check=True)
        install = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", interpreter, lock]
        subprocess.run(install, check=True)
        ready.write_bytes(lock.read_bytes())
    return interpreter


def _cdnow() -> Customers:
    days: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for row in purchases():
        if row.on <= CALIBRATION_END:
            days[row.customer_id][row.on] += float(row.amount)
    rows = []
    for spent in days.values():
        first, last = min(spent), max(spent)
        repeats = [amount for day, amount in spent.items() if day != first and amount > 0]
        rows.append(
            (len(spent) - 1, (last - first).days, (CALIBRATION_END - first).days, len(repeats), round(sum(repeats), 2))
        )
    x, recency, age, paid, total = (np.array(column) for column in zip(*rows, strict=True))
    return Customers(x, recency, age, paid, total.astype(float))


def _simulated(customers: int) -> Customers:
    random = np.random.default_rng(1997)
    rate = random.gamma(_TRUTH["r"], size=customers) / _TRUTH["alpha"] / 7
    stops = random.beta(_TRUTH["a"], _TRUTH["b"], size=customers)
    age = random.integers(90, 731, size=customers)
    repeats, last = np.zeros(customers, dtype=np.int64), np.zeros(customers)
    rows, now = np.arange(customers), np.zeros(customers)
    while len(rows):
        now = now + random.exponential(size=len(rows)) / np.maximum(rate[rows], 1e-12)
        kept = now <= age[rows]
        rows, now = rows[kept], now[kept]
        repeats[rows] += 1
        last[rows] = now
        kept = random.random(len(rows)) >= stops[rows]
        rows, now = rows[kept], now[kept]
    recency: NDArray[np.int64] = np.where(repeats > 0, np.clip(np.round(last), 1, age), 0).astype(np.int64)
    values = random.gamma(_SPEND["q"], size=customers) / _SPEND["gamma"]
    spent = np.where(repeats > 0, random.gamma(_SPEND["p"] * np.maximum(repeats, 1)) / values, 0.0)
    return Customers(repeats, recency, age, repeats.copy(), spent)


if __name__ == "__main__":
    print(json.dumps(_ours(sys.argv[1])))
