-- Grain:   one row a customer with at least one order before $as_of.
-- Input:   histories (histories.sql); $as_of timestamp; the account's rhythm: $gap_log_mean (m0), $within (sigma squared),
--          $between (tau squared), $base_lapse_days (L0)
-- Output:  table facts, columns as winback/features/contract.py defines them.
--
-- Log gaps of customer i ~ N(m_i, sigma^2) with m_i ~ N(m0, tau^2). After k gaps of sum s the posterior of m_i has
-- mean (sigma^2 m0 + tau^2 s) / (sigma^2 + k tau^2) and variance sigma^2 tau^2 / (sigma^2 + k tau^2); see rhythm.py.
CREATE OR REPLACE TABLE facts AS
WITH posteriors AS (
    SELECT
        *,
        ($within * $gap_log_mean + $between * gap_log_sum) / ($within + gap_count * $between) AS own_log_mean,
        ($within * $between) / ($within + gap_count * $between) AS own_log_variance,
        datediff('day', last_purchase_at::DATE, $as_of::DATE)::INTEGER AS silence_days,
        datediff('day', first_purchase_at::DATE, $as_of::DATE)::INTEGER AS tenure_days,
        datediff('day', first_purchase_at::DATE, last_purchase_at::DATE)::INTEGER AS span_days
    FROM histories
),
thresholds AS (
    SELECT
        *,
        greatest(14, ceil(least(exp(own_log_mean + sqrt($within + own_log_variance)), 36500)))::INTEGER AS lapse_days
    FROM posteriors
)
SELECT
    customer_id,
    purchases,
    orders,
    gross_minor - returns_minor AS net_minor,
    gross_minor,
    returns_minor,
    first_purchase_at,
    last_purchase_at,
    silence_days,
    tenure_days,
    span_days,
    gross_minor / nullif(purchases, 0) AS average_purchase_minor,
    span_days / nullif(gap_count, 0) AS mean_gap_days,
    gap_log_sum / nullif(gap_count, 0) AS gap_log_mean,
    gap_count,
    purchases_last_91_days,
    purchases_last_182_days,
    lapse_days,
    $base_lapse_days::INTEGER AS base_lapse_days,
    silence_days / lapse_days AS silence_ratio,
    only_category
FROM thresholds;
