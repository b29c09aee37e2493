-- Grain:   one row an item; account_rhythm has one row.
-- Input:   item_days, item_histories of the customers that the account is learned from; segments_now (customer_id,
--          segment); $few: so many order days, gaps or customers an estimate of one item or segment is shrunk by.
-- Output:  table account_rhythm (order_days, customers, repeat_rate, gap_log_mean, gap_log_spread);
--          table item_statistics (item, buyers, purchases, product, repeat_rate, first_rate, repeaters, gap_log_mean);
--          table segment_items (segment, item, buyers, share, likeness).
--
-- repeat_rate: on what share of a buyer's later order days the item is bought again: small for durable things.
-- first_rate: on what share of the order days of customers who had not bought it, they did. likeness: how much more
-- often a segment's customers have bought the item than all customers.
CREATE OR REPLACE TEMP TABLE account_rhythm AS
WITH days AS (
    SELECT count(*) AS order_days, count(DISTINCT customer_id) AS customers
    FROM (SELECT DISTINCT customer_id, day FROM item_days)
),
gaps AS (
    SELECT
        coalesce(sum(weight) / nullif(sum(weight_after), 0), 0) AS repeat_rate,
        coalesce(sum(gap_log_sum) / nullif(sum(gap_count), 0), ln(30)) AS gap_log_mean,
        sum(gap_count - 1) FILTER (WHERE gap_count > 1) AS freedom,
        sum(gap_log_square_sum - gap_log_sum * gap_log_sum / gap_count) FILTER (WHERE gap_count > 1) AS squares
    FROM item_histories
)
SELECT
    order_days,
    customers,
    repeat_rate,
    gap_log_mean,
    -- pooled inside customer and item; 0.8, a factor of two either way, until thirty gaps can tell
    CASE WHEN freedom >= 30 THEN greatest(sqrt(greatest(squares, 0) / freedom), 0.1) ELSE 0.8 END AS gap_log_spread
FROM days
CROSS JOIN gaps;

CREATE OR REPLACE TEMP TABLE item_statistics AS
SELECT
    item,
    count(*) AS buyers,
    sum(item_histories.purchases) AS purchases,
    mode(product) AS product,
    (sum(weight) + $few * any_value(repeat_rate)) / (sum(weight_after) + $few) AS repeat_rate,
    count(*) / (any_value(order_days) - sum(days_after) + $few)::DOUBLE AS first_rate,
    count(*) FILTER (WHERE item_histories.purchases > 1) AS repeaters,
    (sum(gap_log_sum) + $few * any_value(gap_log_mean)) / (sum(gap_count) + $few) AS gap_log_mean
FROM item_histories
CROSS JOIN account_rhythm
GROUP BY item;

CREATE OR REPLACE TEMP TABLE segment_items AS
WITH sizes AS (
    SELECT segment, count(*) AS customers
    FROM segments_now
    WHERE customer_id IN (SELECT customer_id FROM item_histories)
    GROUP BY segment
),
bought AS (
    SELECT segment, item, count(*) AS buyers
    FROM item_histories
    JOIN segments_now USING (customer_id)
    GROUP BY segment, item
),
everybody AS (
    SELECT item, item_statistics.buyers, item_statistics.buyers / customers AS share
    FROM item_statistics
    CROSS JOIN account_rhythm
),
pairs AS ( -- what a segment has bought, and what most have, whether or not the segment has
    SELECT segment, item
    FROM bought
    UNION
    SELECT segment, item
    FROM sizes
    CROSS JOIN (SELECT item FROM everybody ORDER BY buyers DESC, item LIMIT 100)
)
SELECT
    segment,
    item,
    coalesce(bought.buyers, 0) AS buyers,
    coalesce(bought.buyers, 0) / sizes.customers AS share,
    (coalesce(bought.buyers, 0) + $few * everybody.share) / (sizes.customers + $few) / everybody.share AS likeness
FROM pairs
JOIN sizes USING (segment)
JOIN everybody USING (item)
LEFT JOIN bought USING (segment, item);
