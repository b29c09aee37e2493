-- Grain:   one row a segment that has customers.
-- Input:   snapshot (winback/segmentation/behaviours.sql)
-- Output:  what a brief says of a segment beside its totals: purchases and returns in money, the middle customer's gap,
--          silence and threshold (the smallest value that half of the customers do not exceed; gaps of those who have
--          one), what was purchased in the last 182 days (each customer's at its own average, rounded), and how many
--          consent to each channel or are not known to refuse it.
WITH placed AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY segment) AS number,
        count(median_gap_days) OVER (PARTITION BY segment) AS gaps,
        row_number() OVER (
            PARTITION BY segment ORDER BY CASE WHEN median_gap_days IS NULL THEN 1 ELSE 0 END, median_gap_days, customer_id
        ) AS gap_place,
        row_number() OVER (PARTITION BY segment ORDER BY silence_days, customer_id) AS silence_place,
        row_number() OVER (PARTITION BY segment ORDER BY lapse_days, customer_id) AS lapse_place
    FROM snapshot
)
SELECT
    segment,
    CAST(count(*) AS BIGINT) AS customers,
    CAST(sum(purchase_orders) AS BIGINT) AS purchase_orders,
    CAST(sum(gross_minor) AS BIGINT) AS gross_minor,
    CAST(sum(returns_minor) AS BIGINT) AS returns_minor,
    CAST(sum(CASE WHEN purchases = 1 THEN 1 ELSE 0 END) AS BIGINT) AS bought_once,
    CAST(sum(CAST(round(purchases_last_182_days * average_purchase_minor) AS BIGINT)) AS BIGINT) AS recent_minor,
    CAST(max(CASE WHEN gap_place = (gaps + 1) // 2 AND gaps > 0 THEN median_gap_days END) AS BIGINT) AS gap_days,
    CAST(max(CASE WHEN silence_place = (number + 1) // 2 THEN silence_days END) AS BIGINT) AS silence_days,
    CAST(max(CASE WHEN lapse_place = (number + 1) // 2 THEN lapse_days END) AS BIGINT) AS lapse_days,
    CAST(sum(CASE WHEN email_consent = 'granted' THEN 1 ELSE 0 END) AS BIGINT) AS email_granted,
    CAST(sum(CASE WHEN email_consent <> 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS email_known,
    CAST(sum(CASE WHEN sms_consent = 'granted' THEN 1 ELSE 0 END) AS BIGINT) AS sms_granted,
    CAST(sum(CASE WHEN sms_consent <> 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS sms_known,
    CAST(sum(CASE WHEN push_consent = 'granted' THEN 1 ELSE 0 END) AS BIGINT) AS push_granted,
    CAST(sum(CASE WHEN push_consent <> 'unknown' THEN 1 ELSE 0 END) AS BIGINT) AS push_known
FROM placed
GROUP BY segment
ORDER BY segment
