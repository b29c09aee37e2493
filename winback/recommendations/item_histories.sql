-- Grain:   one row a customer and item that the customer has bought.
-- Input:   item_days (item_days.sql); $as_of timestamp; $memory_days, after which an order day weighs 1/e.
-- Output:  table item_histories (customer_id, item, purchases, first_day, last_day, product, gap_count, gap_log_sum,
--          gap_log_square_sum, weight, days_after, weight_after): weight is that of the later purchases of the item, the
--          first left out; days_after and weight_after are of all the customer's order days after that first one, on
--          which the item could have been bought again.
CREATE OR REPLACE TEMP TABLE item_histories AS
WITH order_days AS (
    SELECT DISTINCT customer_id, day, exp(-datediff('day', day, $as_of::DATE) / $memory_days::DOUBLE) AS weight
    FROM item_days
),
following AS (
    SELECT
        customer_id,
        day,
        weight,
        row_number() OVER later - 1 AS days_after,
        sum(weight) OVER later - weight AS weight_after
    FROM order_days
    WINDOW later AS (PARTITION BY customer_id ORDER BY day DESC ROWS UNBOUNDED PRECEDING)
),
purchases AS (
    SELECT
        *,
        ln(datediff('day', lag(day) OVER (PARTITION BY customer_id, item ORDER BY day), day)) AS gap_log
    FROM item_days
    JOIN following USING (customer_id, day)
)
SELECT
    customer_id,
    item,
    count(*) AS purchases,
    min(day) AS first_day,
    max(day) AS last_day,
    arg_max(product, day) AS product,
    count(gap_log) AS gap_count,
    coalesce(sum(gap_log), 0) AS gap_log_sum,
    coalesce(sum(gap_log * gap_log), 0) AS gap_log_square_sum,
    sum(weight) - arg_min(weight, day) AS weight,
    arg_min(days_after, day) AS days_after,
    greatest(arg_min(weight_after, day), 0) AS weight_after
FROM purchases
GROUP BY customer_id, item;
