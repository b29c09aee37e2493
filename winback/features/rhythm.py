"""The account's purchase rhythm: how long the gaps between purchases are, and how much customers differ in it.

Model (empirical Bayes, normal-normal on the log scale): the log gaps of customer i are N(m_i, within), and m_i is
N(mean, between) over the account's customers. Estimators, all by the method of moments and in closed form:

- `within`: pooled variance inside customers, sum over (k_i - 1) degrees of freedom (one-way ANOVA).
- `between`: from Q, the weighted variance of the customers' means with weights k_i / within: DerSimonian and Laird,
  "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986) 177-188, equation 8. It is the ANOVA
  estimator of an unbalanced one-way layout: Searle, Casella and McCulloch, "Variance Components" (1992), section 3.6.
- `mean`: weighted by 1 / (between + within / k_i), so that a customer of many gaps does not outvote all others.
"""

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from winback.features.premium import PremiumCuts

FLOOR_DAYS = 14
"""Nobody is called lapsed before two weeks of silence."""
CEILING_DAYS = 36_500

FEWEST_CUSTOMERS = 30
"""Below this many customers with a gap, or degrees of freedom inside customers, the priors are used instead."""
_SMALLEST_VARIANCE = 1e-6
_DECIMALS = 9  # hides the summation order of parallel threads: the same orders give the same thresholds


class Calibration(BaseModel):
    """The account's rhythm as one rubric version freezes it. Logarithms are natural, of days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gap_log_mean: float = Field(description="m0: mean of customers' mean log gaps")
    within: float = Field(gt=0, description="sigma squared: variance of log gaps inside a customer")
    between: float = Field(ge=0, description="tau squared: variance of customers' mean log gaps")
    gaps: int = Field(default=0, ge=0, description="gaps that the estimate rests on")
    customers: int = Field(default=0, ge=0, description="customers with at least one gap")
    source: Literal["estimated", "prior"] = "estimated"
    premium: PremiumCuts = Field(default=PremiumCuts(), description="from what price on an order is premium")

    def lapse_days(self, gap_count: int = 0, gap_log_sum: float = 0.0) -> int:
        """L: silence in whole days beyond which a customer of these gaps is late; facts.sql computes the same.

        exp(posterior mean + 1.0 standard deviation of the next log gap), rounded up, at least 14. A seasonal customer's
        threshold is at least its next season's end, which facts.sql adds.
        """
        precision = self.within + gap_count * self.between
        mean = (self.within * self.gap_log_mean + self.between * gap_log_sum) / precision
        variance = self.within * self.between / precision
        exponent = mean + math.sqrt(self.within + variance)
        days = CEILING_DAYS if exponent > math.log(CEILING_DAYS) else math.ceil(round(math.exp(exponent), 6))
        return max(FLOOR_DAYS, days)

    @property
    def base_lapse_days(self) -> int:
        """L0: the threshold of a customer of whom no gap is known."""
        return self.lapse_days()


PRIOR = Calibration(gap_log_mean=3.4, within=1.3, between=0.4, source="prior")
"""For accounts with too few gaps: rounded from CDNOW's 23,570 customers at 1997-10-01 (3.409, 1.294, 0.420)."""


class GapGroup(NamedTuple):
    """All customers that have the same number of gaps."""

    gap_count: int
    customers: int
    total: float
    """Sum over the customers of their sums of log gaps."""
    total_of_squares: float
    """Sum over the customers of the squares of those sums."""


def calibrate(groups: Iterable[GapGroup], squares: float) -> Calibration:
    """The account's rhythm from groups of customers by number of gaps; `squares` sums all squared log gaps.

    Returns PRIOR when fewer than 30 customers have a gap or fewer than 30 degrees of freedom lie inside customers.
    """
    groups = [group for group in groups if group.gap_count > 0]
    customers = sum(group.customers for group in groups)
    gaps = sum(group.gap_count * group.customers for group in groups)
    if customers < FEWEST_CUSTOMERS or gaps - customers < FEWEST_CUSTOMERS:
        return PRIOR.model_copy(update={"gaps": gaps, "customers": customers})

    between_means = math.fsum(group.total_of_squares / group.gap_count for group in groups)
    within = max((squares - between_means) / (gaps - customers), _SMALLEST_VARIANCE)

    grand_mean = math.fsum(group.total for group in groups) / gaps
    spread = between_means - gaps * grand_mean**2
    imbalance = math.fsum(group.gap_count**2 * group.customers for group in groups) / gaps
    # With one customer's gaps only, gaps == imbalance and nothing can be said about others; 30 customers exclude it.
    between = max((spread - (customers - 1) * within) / (gaps - imbalance), 0.0)

    weights = [(group, 1 / (between + within / group.gap_count)) for group in groups]
    weighted = math.fsum(weight * group.total / group.gap_count for group, weight in weights)
    mean = weighted / math.fsum(weight * group.customers for group, weight in weights)
    return Calibration(
        gap_log_mean=round(mean, _DECIMALS),
        within=round(within, _DECIMALS),
        between=round(between, _DECIMALS),
        gaps=gaps,
        customers=customers,
    )
