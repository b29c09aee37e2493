-- Grain:   one row an assigned customer (audience rows with an arm). `measured` says whether it belongs to the causal
--          comparison: customers of tiers that are never held out have nobody to be compared with.
-- Input:   audience; orders (every stored version of every order); $assigned_at, $observed_until timestamps in UTC;
--          $currency of the account
-- Output:  tables purchases (one row an order of amount >= 0 of an assigned customer in the window, any currency) and
--          outcomes.
--
-- The latest version of an order counts, by (received_at, fingerprint), and only that one's time and customer. Only
-- orders with some version in the window can count, which spares sorting the whole history.
CREATE OR REPLACE TABLE window_orders AS
WITH touched AS (
    SELECT DISTINCT order_id FROM orders WHERE ordered_at >= $assigned_at AND ordered_at < $observed_until
),
latest AS (
    SELECT order_id, customer_key, ordered_at, amount_minor, currency
    FROM orders SEMI JOIN touched USING (order_id)
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY received_at DESC, fingerprint DESC) = 1
)
SELECT latest.*
FROM latest SEMI JOIN (SELECT customer_key FROM audience WHERE arm IS NOT NULL) USING (customer_key)
WHERE ordered_at >= $assigned_at AND ordered_at < $observed_until;

CREATE OR REPLACE TABLE purchases AS
SELECT * FROM window_orders WHERE amount_minor >= 0;

-- Returns in the window reduce revenue in both arms alike and are never a purchase.
CREATE OR REPLACE TABLE outcomes AS
WITH bought AS (
    SELECT
        customer_key,
        min(ordered_at) FILTER (amount_minor >= 0) AS first_purchase_at,
        count(*) FILTER (amount_minor >= 0) AS purchases,
        coalesce(sum(amount_minor) FILTER (currency = $currency), 0)::BIGINT AS revenue_minor
    FROM window_orders
    GROUP BY customer_key
)
SELECT
    customer_key,
    arm,
    segment,
    lapsed,
    coalesce(measured, true) AS measured,
    variants,
    first_purchase_at,
    first_purchase_at IS NOT NULL AS returned,
    coalesce(purchases, 0) AS purchases,
    coalesce(revenue_minor, 0) AS revenue_minor
FROM audience LEFT JOIN bought USING (customer_key)
WHERE arm IS NOT NULL;
