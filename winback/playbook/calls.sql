-- Grain:   one row a customer whom a person should get in touch with, at most 20,000.
-- Input:   callable_customers: the snapshot with customer_key; called_cells(value_tier, status, rank): the cells whose
--          channels a person works, rank 1 first.
-- Output:  the customer's facts in the order in which they are worked: by rank, then by net value.
SELECT
    callable_customers.customer_key,
    callable_customers.segment,
    callable_customers.value_tier,
    callable_customers.status,
    callable_customers.purchases,
    callable_customers.purchase_orders,
    callable_customers.net_minor,
    callable_customers.last_purchase_at,
    callable_customers.silence_days,
    callable_customers.lapse_days,
    callable_customers.median_gap_days,
    callable_customers.seasonal,
    callable_customers.season_month
FROM callable_customers
INNER JOIN called_cells
    ON callable_customers.value_tier = called_cells.value_tier
    AND callable_customers.status = called_cells.status
ORDER BY called_cells.rank, callable_customers.net_minor DESC, callable_customers.customer_key
LIMIT 20000
