-- Grain:   one row a customer with a purchase before the cut.
-- Input:   facts as of the cut (compute_facts); orders; $cut and $until are timestamps, the label window's start and end.
--          {features}: columns of facts.
-- Output:  table examples: cut (date); standing: one_order, lapsed or not_lapsed, by the customer's own lapse threshold;
--          the features; churned, 1 without a purchase from $cut until $until (exclusive), else 0.
CREATE OR REPLACE TABLE examples AS
WITH buyers AS (
    SELECT DISTINCT customer_id
    FROM orders
    WHERE amount_minor >= 0 AND ordered_at >= $cut AND ordered_at < $until
)
SELECT
    $cut::DATE AS cut,
    CASE
        WHEN facts.purchases = 1 THEN 'one_order'
        WHEN facts.silence_days > facts.lapse_days THEN 'lapsed'
        ELSE 'not_lapsed'
    END AS standing,
    {features},
    CASE WHEN buyers.customer_id IS NULL THEN 1 ELSE 0 END AS churned
FROM facts
LEFT JOIN buyers ON facts.customer_id = buyers.customer_id
WHERE facts.purchases > 0
ORDER BY facts.customer_id;
