-- Grain:   one row a customer with at least one purchase; customers with returns only are outside the segments.
-- Input:   facts (winback/features/facts.sql), thresholds (thresholds.sql)
-- Output:  view segmented: all facts, and recency_band, frequency_band, monetary_band, recency_score, frequency_score,
--          monetary_score, lapsed, segment, family, value_tier, status. The first rule that matches decides.
CREATE OR REPLACE TEMP VIEW segmented AS
WITH recency AS ( -- silence against the customer's own threshold L, and against the account's base threshold L0
    SELECT
        facts.*,
        CASE
            WHEN silence_days <= lapse_days THEN 'Active'
            WHEN silence_days > lost_after * lapse_days AND silence_days > lost_after * base_lapse_days THEN 'Long'
            WHEN silence_days > lost_after * lapse_days AND silence_days > base_lapse_days THEN 'Gone'
            ELSE 'Slip'
        END AS recency_band
    FROM facts
    CROSS JOIN thresholds
    WHERE purchases > 0
),
bands AS (
    SELECT
        recency.*,
        CASE
            WHEN purchases >= frequent_purchases THEN 'Frequent'
            WHEN purchases >= 2 THEN 'Repeat'
            ELSE 'Once'
        END AS frequency_band,
        -- Where most customers gave back all that they bought, the cut-off may be nothing or less: that is no high value.
        CASE WHEN net_minor > 0 AND net_minor >= high_value_minor THEN 'High' ELSE 'Regular' END AS monetary_band,
        CASE -- each cut-off that is passed costs a point
            WHEN silence_days <= recency_1 THEN 5
            WHEN silence_days <= recency_2 THEN 4
            WHEN silence_days <= recency_3 THEN 3
            WHEN silence_days <= recency_4 THEN 2
            ELSE 1
        END AS recency_score,
        CASE
            WHEN purchases <= frequency_1 THEN 1
            WHEN purchases <= frequency_2 THEN 2
            WHEN purchases <= frequency_3 THEN 3
            WHEN purchases <= frequency_4 THEN 4
            ELSE 5
        END AS frequency_score,
        CASE
            WHEN net_minor <= monetary_1 THEN 1
            WHEN net_minor <= monetary_2 THEN 2
            WHEN net_minor <= monetary_3 THEN 3
            WHEN net_minor <= monetary_4 THEN 4
            ELSE 5
        END AS monetary_score,
        recency_band <> 'Active' AS lapsed
    FROM recency
    CROSS JOIN thresholds
),
segments AS (
    SELECT
        bands.*,
        CASE
            WHEN only_category THEN 'Trend Audience'
            WHEN recency_band = 'Active' AND frequency_band = 'Frequent' AND monetary_band = 'High' THEN 'Champions'
            WHEN recency_band = 'Active' AND frequency_band = 'Frequent' THEN 'Loyal'
            WHEN recency_band = 'Active' AND purchases >= 2 AND monetary_band = 'High' THEN 'Big Spenders'
            WHEN recency_band = 'Active' AND purchases = 1 AND tenure_days <= new_starter_days THEN 'New Starters'
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
            WHEN net_minor <= 0 THEN 'Mass'
            WHEN net_minor > vip_above_minor THEN 'VIP'
            WHEN net_minor > elite_above_minor THEN 'Elite'
            WHEN net_minor > premium_above_minor THEN 'Premium'
            ELSE 'Mass'
        END AS historic_tier
    FROM bands
    CROSS JOIN thresholds
),
grid AS (
    SELECT
        segments.*,
        CASE
            WHEN segment IN ('Champions', 'Loyal', 'Big Spenders') THEN 'Heroes'
            WHEN segment IN ('New Starters', 'Promising', 'Rising') THEN 'Climbers'
            WHEN segment IN ('Slipping VIPs', 'Slipping Regulars') THEN 'Slipping'
            WHEN segment = 'Trend Audience' THEN 'Trend Audience'
            ELSE 'Already Lost'
        END AS family,
        CASE
            WHEN recency_band IN ('Gone', 'Long') AND historic_tier IN ('VIP', 'Elite') THEN 'Can''t Lose Them'
            WHEN recency_band IN ('Gone', 'Long') AND historic_tier = 'Premium' THEN 'At Risk'
            WHEN recency_band IN ('Gone', 'Long') THEN 'Hibernating'
            WHEN purchases = 1 AND tenure_days <= new_days THEN 'New'
            WHEN recency_band = 'Slip' AND purchases = 1 AND historic_tier = 'Mass' THEN 'Potential'
            WHEN recency_band = 'Slip' THEN 'At Risk'
            WHEN silence_days > potential_after * lapse_days AND historic_tier <> 'VIP' THEN 'Potential'
            ELSE 'Active'
        END AS status
    FROM segments
    CROSS JOIN thresholds
)
SELECT
    * EXCLUDE (historic_tier, status),
    CASE
        WHEN recency_band IN ('Gone', 'Long') THEN 'Hibernating'
        -- A first purchase says little of a customer's worth: new ones are Premium or Mass.
        WHEN status = 'New' AND historic_tier IN ('VIP', 'Elite') THEN 'Premium'
        ELSE historic_tier
    END AS value_tier,
    status
FROM grid;
