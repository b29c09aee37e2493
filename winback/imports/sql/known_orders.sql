-- Grain: one row an order of the file that the lake has already, with the same content in its latest version.
-- Inputs: orders; lake_orders(order_id, fingerprint, received_at), which other imports and batches wrote.
-- Outputs: known_orders(order_id); new_orders: the rest, as the lake keeps them; variables key_salt, received_at.
CREATE OR REPLACE TEMP TABLE known_orders AS
WITH latest AS (
    SELECT
        order_id,
        max({'received_at': received_at, 'fingerprint': fingerprint}).fingerprint AS fingerprint
    FROM lake_orders
    WHERE order_id IN (SELECT orders.order_id FROM orders)
    GROUP BY order_id
)

SELECT orders.order_id
FROM orders
INNER JOIN latest ON orders.order_id = latest.order_id AND orders.fingerprint = latest.fingerprint;

CREATE OR REPLACE TEMP VIEW new_orders AS
SELECT
    order_id,
    customer_id,
    substr(sha256(getvariable('key_salt') || ':' || customer_id), 1, 32) AS customer_key,
    ordered_at,
    amount_minor,
    currency,
    discount_minor,
    cost_minor,
    lines,
    discount_codes,
    fingerprint,
    CAST(getvariable('received_at') AS TIMESTAMP) AS received_at
FROM orders
ANTI JOIN known_orders USING (order_id);
