-- Grain:   one row a customer, item and day on which the customer bought it before $as_of.
-- Input:   orders (customer_id, ordered_at timestamp in UTC, amount_minor, lines[sku, category, quantity, price_minor]);
--          chosen_customers (customer_id); $as_of timestamp, exclusive. {item} is the line's field that names the item.
-- Output:  table item_days (customer_id, item, day, product): product is a sku bought that day, where lines have one.
--
-- A purchase is an order of amount >= 0; of its lines those of a negative quantity or price are returns.
CREATE OR REPLACE TEMP TABLE item_days AS
WITH lines AS (
    SELECT customer_id, ordered_at::DATE AS day, unnest(lines) AS line
    FROM orders
    SEMI JOIN chosen_customers USING (customer_id)
    WHERE ordered_at < $as_of AND amount_minor >= 0 AND len(lines) > 0
)
SELECT customer_id, line.{item} AS item, day, max(line.sku) AS product
FROM lines
WHERE line.{item} <> '' AND coalesce(line.quantity, 1) > 0 AND coalesce(line.price_minor, 0) >= 0
GROUP BY ALL;
