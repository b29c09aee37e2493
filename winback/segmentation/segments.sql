-- Grain:   one row a customer with at least one purchase; customers with returns only are outside the segments.
-- Input:   facts (winback/features/facts.sql); the rubric's cut-offs: $high_value_minor (M*), $frequent_purchases (F*),
--          $premium_above_minor, $elite_above_minor, $vip_above_minor
-- Output:  table snapshot: all facts, and recency_band, monetary_band, frequency_band, lapsed, segment, family, value_tier,
--          status. The first rule that matches decides.
CREATE OR REPLACE TABLE snapshot AS
WITH recency AS ( -- silence against the customer's own threshold L, and against the account's base threshold L0
    SELECT
        *,
        CASE
            WHEN silence_days <= lapse_days THEN 'Active'
            WHEN silence_days > 2 * lapse_days AND silence_days > 2 * base_lapse_days THEN 'Long'
            WHEN silence_days > 2 * lapse_days AND silence_days > base_lapse_days THEN 'Gone'
            ELSE 'Slip'
        END AS recency_band
    FROM facts
    WHERE purchases > 0
),
bands AS (
    SELECT
        *,
        CASE WHEN net_minor >= $high_value_minor THEN 'High' ELSE 'Regular' END AS monetary_band,
        CASE
            WHEN purchases >= $frequent_purchases THEN 'Frequent'
            WHEN purchases >= 2 THEN 'Repeat'
            ELSE 'Once'
        END AS frequency_band,
        CASE
            WHEN net_minor > $vip_above_minor THEN 'VIP'
            WHEN net_minor > $elite_above_minor THEN 'Elite'
            WHEN net_minor > $premium_above_minor THEN 'Premium'
            ELSE 'Mass'
        END AS historic_tier,
        recency_band <> 'Active' AS lapsed
    FROM recency
),
rules AS (
    SELECT
        *,
        CASE
            WHEN only_category THEN 'Trend Audience'
            WHEN recency_band = 'Active' AND frequency_band = 'Frequent' AND monetary_band = 'High' THEN 'Champions'
            WHEN recency_band = 'Active' AND frequency_band = 'Frequent' THEN 'Loyal'
            WHEN recency_band = 'Active' AND purchases >= 2 AND monetary_band = 'High' THEN 'Big Spenders'
            WHEN recency_band = 'Active' AND purchases = 1 AND tenure_days <= 60 THEN 'New Starters'
            WHEN recency_band = 'Active' AND purchases = 1 THEN 'Promising'
            WHEN recency_band = 'Active' THEN 'Rising'
            WHEN purchases = 1 AND recency_band <> 'Long' THEN 'One-and-Done'
            WHEN recency_band = 'Slip' AND monetary_band = 'High' THEN 'Slipping VIPs'
            WHEN recency_band = 'Slip' THEN 'Slipping Regulars'
            WHEN purchases >= 2 AND monetary_band = 'High' THEN 'Lost VIPs'
            WHEN recency_band = 'Gone' THEN 'Lost Regulars'
            ELSE 'Long Gone'
        END AS segment,
        CASE
            WHEN recency_band IN ('Gone', 'Long') AND historic_tier IN ('VIP', 'Elite') THEN 'Can''t Lose Them'
            WHEN recency_band IN ('Gone', 'Long') AND historic_tier = 'Premium' THEN 'At Risk'
            WHEN recency_band IN ('Gone', 'Long') THEN 'Hibernating'
            WHEN purchases = 1 AND tenure_days <= 30 THEN 'New'
            WHEN recency_band = 'Slip' AND purchases = 1 AND historic_tier = 'Mass' THEN 'Potential'
            WHEN recency_band = 'Slip' THEN 'At Risk'
            WHEN 2 * silence_days > lapse_days AND historic_tier <> 'VIP' THEN 'Potential'
            ELSE 'Active'
        END AS status
    FROM bands
)
SELECT
    * EXCLUDE (historic_tier, segment, status),
    segment,
    CASE
        WHEN segment IN ('Champions', 'Loyal', 'Big Spenders') THEN 'Heroes'
        WHEN segment IN ('New Starters', 'Promising', 'Rising') THEN 'Climbers'
        WHEN segment IN ('Slipping VIPs', 'Slipping Regulars') THEN 'Slipping'
        WHEN segment = 'Trend Audience' THEN 'Trend Audience'
        ELSE 'Already Lost'
    END AS family,
    CASE
        WHEN recency_band IN ('Gone', 'Long') THEN 'Hibernating'
        -- A first purchase says little of a customer's worth: new ones are Premium or Mass.
        WHEN status = 'New' AND historic_tier IN ('VIP', 'Elite') THEN 'Premium'
        ELSE historic_tier
    END AS value_tier,
    status
FROM rules;
