-- Grain:   one row a buyer of the snapshot.
-- Input:   buyers; predicted (by the row of buyers, empty without a fit); organic (segment, customers, purchased_minor, days):
--          what the customers of a segment purchased in so many days; $fitted; $horizon_days; $net: the share of purchases
--          that returns leave; $margin: the share of net value that is margin, null where no cost is known
-- Output:  table lifetime: what publishing joins to the snapshot. value_source: model; segment (no fit: the value is that of
--          the segment's customers of late, for all of them alike); none.
--
-- Money is minor units, rounded.
CREATE OR REPLACE TEMP TABLE lifetime AS
WITH priors AS (
    SELECT segment, purchased_minor * $net / customers * $horizon_days / days AS value
    FROM organic
    WHERE customers > 0
),
valued AS (
    SELECT
        buyers.customer_key,
        round(predicted.p_alive, 4) AS p_alive,
        round(predicted.expected_purchases, 4) AS expected_purchases_365_days,
        CASE WHEN $fitted THEN predicted.value ELSE priors.value END AS value,
        predicted.low,
        predicted.high
    FROM buyers
    LEFT JOIN predicted ON buyers.rowid = predicted.row
    LEFT JOIN priors ON buyers.segment = priors.segment
)
SELECT
    customer_key,
    p_alive,
    expected_purchases_365_days,
    round(value)::BIGINT AS predicted_value_minor,
    round(low)::BIGINT AS predicted_value_low_minor,
    round(high)::BIGINT AS predicted_value_high_minor,
    round(value * $margin)::BIGINT AS predicted_margin_minor,
    CASE WHEN value IS NULL THEN 'none' WHEN $fitted THEN 'model' ELSE 'segment' END AS value_source
FROM valued;
