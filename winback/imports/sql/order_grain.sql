-- Grain of the file: one row an order. The first good row of an order counts.
-- Input: checked. Outputs: set_aside(n, problem, first_n): rows that repeat an earlier one (`duplicate`) or contradict it;
--   orders, one row an order (docs/data-model.md).
CREATE OR REPLACE TEMP TABLE set_aside AS
WITH repeated AS (
    SELECT
        order_id,
        min(n) AS first_n
    FROM checked
    WHERE problem IS NULL
    GROUP BY order_id
    HAVING count(*) > 1
)

SELECT
    later.n,
    CASE
        WHEN
            later.customer_id = first.customer_id
            AND later.ordered_at = first.ordered_at
            AND later.amount_minor = first.amount_minor
            AND later.currency = first.currency
            AND later.discount_minor IS NOT DISTINCT FROM first.discount_minor
            THEN 'duplicate'
        ELSE 'order_id: used again'
    END AS problem,
    repeated.first_n
FROM checked AS later
INNER JOIN repeated ON later.order_id = repeated.order_id AND later.n > repeated.first_n
INNER JOIN checked AS first ON repeated.first_n = first.n
WHERE later.problem IS NULL;

CREATE OR REPLACE TABLE orders AS
SELECT
    order_id,
    customer_id,
    ordered_at,
    amount_minor,
    currency,
    discount_minor,
    CAST(NULL AS STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT)[]) AS lines,
    order_fingerprint(order_id, customer_id, ordered_at, amount_minor, currency, discount_minor, '') AS fingerprint
FROM checked
ANTI JOIN set_aside USING (n)
WHERE problem IS NULL;
