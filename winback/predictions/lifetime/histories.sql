-- Grain:   customer_histories: one row a customer who purchased by $calibration_end; purchase_days: one row a customer and day.
-- Input:   orders (customer_id, ordered_at timestamp in UTC, amount_minor, cost_minor); $calibration_end DATE, inclusive
-- Output:  purchase_days (customer_id, day, amount_minor); customer_histories (customer_id, first_day, repeats, recency_days,
--          age_days, paid, spent_minor, all_paid, all_spent_minor).
--
-- An order of amount >= 0 is a purchase, and those of one day are one purchase. What a purchase is worth counts where it is
-- more than nothing; of the repeat purchases alone (paid, spent_minor), or of the first one too (all_paid, all_spent_minor).
CREATE OR REPLACE TEMP TABLE purchase_days AS
SELECT customer_id, ordered_at::DATE AS day, sum(amount_minor)::BIGINT AS amount_minor
FROM orders
WHERE amount_minor >= 0
GROUP BY customer_id, ordered_at::DATE;

CREATE OR REPLACE TEMP TABLE customer_histories AS
WITH firsts AS (
    SELECT customer_id, min(day) AS first_day
    FROM purchase_days
    WHERE day <= $calibration_end
    GROUP BY customer_id
)
SELECT
    customer_id,
    first_day,
    count(*) - 1 AS repeats,
    datediff('day', first_day, max(day)) AS recency_days,
    datediff('day', first_day, $calibration_end) AS age_days,
    count(*) FILTER (day > first_day AND amount_minor > 0) AS paid,
    coalesce(sum(amount_minor) FILTER (day > first_day), 0)::BIGINT AS spent_minor,
    count(*) FILTER (amount_minor > 0) AS all_paid,
    sum(amount_minor)::BIGINT AS all_spent_minor
FROM purchase_days
JOIN firsts USING (customer_id)
WHERE day <= $calibration_end
GROUP BY customer_id, first_day
ORDER BY customer_id;
