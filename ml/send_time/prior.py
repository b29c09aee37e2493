"""The shipped prior over the 168 hours of a local week: people act while they are awake, on every day alike.

An assumption and no one's data: nothing of it was learned from an account. It is one curve through two published
figures of the American Time Use Survey, of persons of 15 years and over: 94 % sleep at 3 a.m. (2003 to 2007), and they
sleep 8.74 hours a day (2013; bls.gov/tus). The share asleep is taken as
peak x exp(k (cos(2 pi (hour - 3) / 24) - 1)), with k such that the hours add up; the prior is the share awake.
winback/predictions/send_time/prior.py computes the same for those who have no endpoint; a test compares the two.
"""

from math import cos, exp, pi

PEAK_ASLEEP, PEAK_HOUR, HOURS_ASLEEP = 0.94, 3.0, 8.74


def awake_prior() -> list[float]:
    """168 probabilities, from Monday 00:00 local; they add up to one."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(_asleep(middle)) > HOURS_ASLEEP else (low, middle)
    awake = [1 - share for share in _asleep(low)]
    return [share / (7 * sum(awake)) for share in awake] * 7


def _asleep(k: float) -> list[float]:
    """Share asleep in the middle of each hour of the day."""
    return [PEAK_ASLEEP * exp(k * (cos(2 * pi * (hour + 0.5 - PEAK_HOUR) / 24) - 1)) for hour in range(24)]
