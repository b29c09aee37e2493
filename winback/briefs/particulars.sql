-- Grain:   one row a segment that has customers.
-- Input:   snapshot (winback/segmentation/behaviours.sql)
-- Output:  what a brief says of a segment beside its totals: purchases and returns in money, who bought once, what was
--          purchased in the last 182 days (each customer's at its own average, rounded), the middle customer's gap,
--          silence and threshold (the smallest number of days that half of the customers do not exceed; gaps of those
--          who have one), and how many consent to each channel, and of how many it is known whether they do.
WITH totals AS (
    SELECT
        segment,
        count(*) AS customers,
        sum(purchase_orders) AS purchase_orders,
        sum(gross_minor) AS gross_minor,
        sum(returns_minor) AS returns_minor,
        sum(CASE WHEN purchases = 1 THEN 1 ELSE 0 END) AS bought_once,
        sum(CAST(round(purchases_last_182_days * average_purchase_minor) AS BIGINT)) AS recent_minor,
        sum(CASE WHEN email_consent = 'granted' THEN 1 ELSE 0 END) AS email_granted,
        sum(CASE WHEN email_consent <> 'unknown' THEN 1 ELSE 0 END) AS email_known,
        sum(CASE WHEN sms_consent = 'granted' THEN 1 ELSE 0 END) AS sms_granted,
        sum(CASE WHEN sms_consent <> 'unknown' THEN 1 ELSE 0 END) AS sms_known,
        sum(CASE WHEN push_consent = 'granted' THEN 1 ELSE 0 END) AS push_granted,
        sum(CASE WHEN push_consent <> 'unknown' THEN 1 ELSE 0 END) AS push_known
    FROM snapshot
    GROUP BY segment
),
spread AS (
    SELECT segment, 'gap' AS measure, median_gap_days AS days, count(*) AS customers
    FROM snapshot
    WHERE median_gap_days IS NOT NULL
    GROUP BY segment, median_gap_days
    UNION ALL
    SELECT segment, 'silence', silence_days, count(*) FROM snapshot GROUP BY segment, silence_days
    UNION ALL
    SELECT segment, 'lapse', lapse_days, count(*) FROM snapshot GROUP BY segment, lapse_days
),
placed AS (
    SELECT
        segment,
        measure,
        days,
        sum(customers) OVER (PARTITION BY segment, measure ORDER BY days) AS customers_so_far,
        sum(customers) OVER (PARTITION BY segment, measure) AS customers
    FROM spread
),
middle AS (
    SELECT
        segment,
        min(CASE WHEN measure = 'gap' THEN days END) AS gap_days,
        min(CASE WHEN measure = 'silence' THEN days END) AS silence_days,
        min(CASE WHEN measure = 'lapse' THEN days END) AS lapse_days
    FROM placed
    WHERE 2 * customers_so_far >= customers
    GROUP BY segment
)
SELECT
    totals.segment,
    CAST(totals.customers AS BIGINT) AS customers,
    CAST(totals.purchase_orders AS BIGINT) AS purchase_orders,
    CAST(totals.gross_minor AS BIGINT) AS gross_minor,
    CAST(totals.returns_minor AS BIGINT) AS returns_minor,
    CAST(totals.bought_once AS BIGINT) AS bought_once,
    CAST(totals.recent_minor AS BIGINT) AS recent_minor,
    CAST(middle.gap_days AS BIGINT) AS gap_days,
    CAST(middle.silence_days AS BIGINT) AS silence_days,
    CAST(middle.lapse_days AS BIGINT) AS lapse_days,
    CAST(totals.email_granted AS BIGINT) AS email_granted,
    CAST(totals.email_known AS BIGINT) AS email_known,
    CAST(totals.sms_granted AS BIGINT) AS sms_granted,
    CAST(totals.sms_known AS BIGINT) AS sms_known,
    CAST(totals.push_granted AS BIGINT) AS push_granted,
    CAST(totals.push_known AS BIGINT) AS push_known
FROM totals
INNER JOIN middle ON middle.segment = totals.segment
ORDER BY totals.segment
