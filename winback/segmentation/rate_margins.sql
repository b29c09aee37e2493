-- Grain:   one row a customer with an order in another currency before $as_of.
-- Input:   orders and stated_orders (winback/rates/converted_orders.sql), by the rates of the days; deviations(currency,
--          billionths): by how much of itself an amount may differ by its year's average, rounded up; $as_of timestamp
-- Output:  table margins(customer_id, margin_minor): the customer's net value by yearly averages is at most so far from the
--          net value by daily rates. Three minor units an order: two amounts are rounded, and so is the product here.
CREATE OR REPLACE TEMP TABLE margins AS
SELECT
    orders.customer_id,
    CAST(
        sum((CAST(abs(orders.amount_minor) AS HUGEINT) * deviations.billionths) // 1000000000 + 3) AS BIGINT
    ) AS margin_minor
FROM orders
INNER JOIN stated_orders ON orders.order_id = stated_orders.order_id
INNER JOIN deviations ON stated_orders.currency = deviations.currency
WHERE orders.ordered_at < $as_of
GROUP BY orders.customer_id;
