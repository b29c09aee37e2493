"""The `lifetimes` side of bench/clv.py: python _lifetimes.py FILE WEEKS, in the environment of that package alone."""

import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")

from lifetimes import BetaGeoFitter, GammaGammaFitter  # noqa: E402


def main(path: str, weeks: int) -> None:
    data = np.load(path)
    frequency = data["repeats"].astype(float)
    recency, age = data["recency_days"] / 7, data["age_days"] / 7
    paid = data["paid"].astype(float)
    mean_value = np.where(paid > 0, data["spent"] / np.maximum(paid, 1), 0.0)
    marks = [time.process_time()]
    purchases = BetaGeoFitter().fit(frequency, recency, age)
    marks.append(time.process_time())
    repeaters = paid > 0
    spend = GammaGammaFitter().fit(paid[repeaters], mean_value[repeaters])
    marks.append(time.process_time())
    alive = purchases.conditional_probability_alive(frequency, recency, age)
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(weeks, frequency, recency, age)
    value = spend.conditional_expected_average_profit(paid, mean_value)
    cltv = (
        expected * value
    )  # its customer_lifetime_value discounts month by month, which would take several times longer
    marks.append(time.process_time())
    print(
        json.dumps(
            {
                **dict(zip(("bg_nbd", "gamma_gamma", "predict"), np.diff(marks).tolist())),  # noqa: B905
                "total": marks[-1] - marks[0],
                "bg_nbd_parameters": dict(purchases.params_),
                "gamma_gamma_parameters": dict(spend.params_),
                "alive": float(np.sum(alive)),
                "purchases": float(np.sum(expected)),
                "cltv": float(np.sum(cltv)),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
