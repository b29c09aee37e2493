-- Grain: one row an order, in the order of the file. Inputs: checked (one row an order line), set_aside(n).
-- Output: orders (docs/data-model.md). The lines of an order stand in an order that does not depend on the file's. The order's
--   cost is known when each line's is; its codes are those that any line names.
CREATE OR REPLACE TABLE orders AS
WITH lines AS (
    SELECT
        checked.* EXCLUDE (lines, fingerprint),
        line_text(sku, category, quantity, amount_minor, cost_minor) AS content
    FROM checked
    ANTI JOIN set_aside USING (n)
),

combined AS (
    SELECT
        order_id,
        any_value(customer_id) AS customer_id,
        min(ordered_at) AS ordered_at,
        CAST(sum(amount_minor) AS BIGINT) AS amount_minor,
        any_value(currency) AS currency,
        CAST(sum(discount_minor) AS BIGINT) AS discount_minor,
        CASE WHEN count(cost_minor) = count(*) THEN CAST(sum(cost_minor) AS BIGINT) END AS cost_minor,
        CASE
            WHEN count(discount_codes) > 0
                THEN list_sort(list_distinct(flatten(list(discount_codes) FILTER (discount_codes IS NOT NULL))))
        END AS discount_codes,
        list(
            {
                'sku': sku,
                'category': category,
                'quantity': quantity,
                'price_minor': amount_minor,
                'cost_minor': cost_minor
            } ORDER BY content
        ) AS lines,
        string_agg(content, chr(29) ORDER BY content) AS content,
        min(n) AS first_n
    FROM lines
    GROUP BY order_id
)

SELECT
    order_id,
    customer_id,
    ordered_at,
    amount_minor,
    currency,
    discount_minor,
    cost_minor,
    lines,
    discount_codes,
    order_fingerprint(
        order_id, customer_id, ordered_at, amount_minor, currency, discount_minor, cost_minor, content, discount_codes
    ) AS fingerprint
FROM combined
ORDER BY first_n;

DROP TABLE checked;
