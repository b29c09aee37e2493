-- Grain:   one row a customer with at least one order before $as_of.
-- Input:   histories (histories.sql), engagement (engagement.sql), profiles (customer_id, email_consent, sms_consent,
--          push_consent, acquisition_channel, created_at); $as_of timestamp; the account's rhythm: $gap_log_mean (m0), $within
--          (sigma squared), $between (tau squared), $base_lapse_days (L0); $has_premium_cuts
-- Output:  table facts, columns as winback/features/contract.py defines them.
--
-- Log gaps of customer i ~ N(m_i, sigma^2) with m_i ~ N(m0, tau^2). After k gaps of sum s the posterior of m_i has
-- mean (sigma^2 m0 + tau^2 s) / (sigma^2 + k tau^2) and variance sigma^2 tau^2 / (sigma^2 + k tau^2); see rhythm.py.
-- A seasonal customer is not late before its next season, the one that starts after the last purchase, is over.
-- Results of exp, ln and sqrt are rounded: their last bits differ between machines.
CREATE OR REPLACE TABLE facts AS
WITH account AS (
    SELECT coalesce(sum(discounted_orders), 0) > 0 AS has_discounts
    FROM histories
),
known_profiles AS (
    SELECT *
    FROM {profiles}
    WHERE created_at IS NULL OR created_at < $as_of
),
posteriors AS (
    SELECT
        histories.*,
        account.has_discounts,
        ($within * $gap_log_mean + $between * (gap_log_micros / 1000000)) / ($within + gap_count * $between)
            AS own_log_mean,
        ($within * $between) / ($within + gap_count * $between) AS own_log_variance,
        datediff('day', last_purchase_at::DATE, $as_of::DATE)::INTEGER AS silence_days,
        datediff('day', first_purchase_at::DATE, $as_of::DATE)::INTEGER AS tenure_days,
        datediff('day', first_purchase_at::DATE, last_purchase_at::DATE)::INTEGER AS span_days,
        datediff('day', DATE '0001-01-01', $as_of::DATE)::INTEGER AS today,
        coalesce(season_years >= 3 AND season_purchases >= 4 AND 4 * season_purchases >= 3 * purchases, FALSE)
            AS seasonal,
        datediff('month', DATE '0001-01-01', last_purchase_at::DATE)
            - (datediff('month', DATE '0001-01-01', last_purchase_at::DATE) - season_month + 1) % 12 AS season_began
    FROM histories
    CROSS JOIN account
),
thresholds AS (
    SELECT
        *,
        greatest(
            14,
            ceil(round(least(exp(own_log_mean + sqrt($within + own_log_variance)), 36500), 6))::INTEGER,
            CASE WHEN seasonal THEN 14 + datediff(
                'day',
                last_purchase_at::DATE,
                make_date((season_began + 15) // 12 + 1, (season_began + 15) % 12 + 1, 1)
            ) ELSE 0 END
        )::INTEGER AS lapse_days
    FROM posteriors
)
SELECT
    thresholds.customer_id,
    purchases,
    orders,
    purchase_orders,
    gross_minor - returns_minor AS net_minor,
    gross_minor,
    returns_minor,
    margin_minor,
    costed_net_minor,
    first_purchase_at,
    last_purchase_at,
    silence_days,
    tenure_days,
    span_days,
    gross_minor / nullif(purchases, 0) AS average_purchase_minor,
    gross_minor / nullif(purchase_orders, 0) AS average_order_minor,
    returns_minor / nullif(gross_minor, 0) AS return_rate,
    span_days / nullif(gap_count, 0) AS mean_gap_days,
    median_gap_days,
    round(gap_log_micros / nullif(gap_count, 0) / 1000000, 9) AS gap_log_mean,
    CASE WHEN gap_count >= 2 THEN round(sqrt(
        (gap_count * gap_log_square_micros::DECIMAL(38, 0) - gap_log_micros::DECIMAL(19, 0) * gap_log_micros::DECIMAL(19, 0))::DOUBLE
        / (gap_count::DOUBLE * (gap_count - 1))
    ) / 1000000, 9) END AS gap_log_spread,
    gap_count,
    coalesce(array_length(list_filter(recent_days, lambda day: day >= today - 91)), 0)::INTEGER AS purchases_last_91_days,
    coalesce(array_length(list_filter(recent_days, lambda day: day >= today - 182)), 0)::INTEGER AS purchases_last_182_days,
    lapse_days,
    $base_lapse_days::INTEGER AS base_lapse_days,
    silence_days / lapse_days AS silence_ratio,
    season_month,
    season_purchases / nullif(purchases, 0) AS season_share,
    season_years,
    seasonal,
    CASE WHEN has_discounts THEN discounted_orders END AS discounted_orders,
    CASE WHEN has_discounts THEN discounted_orders / nullif(purchase_orders, 0) END AS discount_share,
    CASE WHEN has_discounts THEN first_day_discounted END AS first_order_discounted,
    CASE WHEN $has_premium_cuts THEN premium_orders END AS premium_orders,
    CASE WHEN $has_premium_cuts THEN premium_orders / nullif(purchase_orders, 0) END AS premium_share,
    (DATE '0001-01-01' + last_premium_day)::TIMESTAMP AS last_premium_at,
    nullif(categories, 0) AS categories,
    lines / nullif(orders_with_lines, 0) AS lines_per_order,
    only_category,
    coalesce(sends, 0) AS sends_182_days,
    coalesce(opens, 0) AS opens_182_days,
    coalesce(clicks, 0) AS clicks_182_days,
    coalesce(visits, 0) AS visits_182_days,
    datediff('day', last_sent_on, $as_of::DATE)::INTEGER AS days_since_last_send,
    CASE WHEN greatest(sends, opens, clicks) + visits > 0 THEN
        (2 * clicks + greatest(opens - clicks, 0) + 2 * visits + 1)
        / (2 * (greatest(sends, opens, clicks) + visits + 1))
    END AS engagement,
    coalesce(email_consent, 'unknown') AS email_consent,
    coalesce(sms_consent, 'unknown') AS sms_consent,
    coalesce(push_consent, 'unknown') AS push_consent,
    acquisition_channel,
    least(
        coalesce(created_at, first_purchase_at), coalesce(first_purchase_at, created_at)
    ) AS acquired_at
FROM thresholds
LEFT JOIN engagement ON thresholds.customer_id = engagement.customer_id
LEFT JOIN known_profiles ON thresholds.customer_id = known_profiles.customer_id;
