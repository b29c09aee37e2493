-- Grain:   one row a customer and item of the customer's first order day in the window.
-- Input:   orders; chosen_customers; $as_of (included) and $until (excluded), timestamps. {item} as in item_days.sql.
-- Output:  table next_items (customer_id, item).
CREATE OR REPLACE TEMP TABLE next_items AS
WITH lines AS (
    SELECT customer_id, ordered_at::DATE AS day, unnest(lines) AS line
    FROM orders
    SEMI JOIN chosen_customers USING (customer_id)
    WHERE ordered_at >= $as_of AND ordered_at < $until AND amount_minor >= 0 AND len(lines) > 0
),
bought AS (
    SELECT DISTINCT customer_id, day, line.{item} AS item
    FROM lines
    WHERE line.{item} <> '' AND coalesce(line.quantity, 1) > 0 AND coalesce(line.price_minor, 0) >= 0
)
SELECT customer_id, item
FROM bought
QUALIFY rank() OVER (PARTITION BY customer_id ORDER BY day) = 1;
