-- Grain:   one row.
-- Input:   ranked (ranked.sql); next_items (next_items.sql); item_histories, of whom something had been known.
-- Output:  a relation (orders, hit_rate): next orders, and the share of them with a ranked item.
WITH orders AS (
    SELECT next_items.customer_id, count(ranked.item) AS found
    FROM next_items
    SEMI JOIN item_histories ON next_items.customer_id = item_histories.customer_id
    LEFT JOIN ranked ON next_items.customer_id = ranked.customer_id AND next_items.item = ranked.item
    GROUP BY next_items.customer_id
)
SELECT count(*) AS orders, avg(least(found, 1)) AS hit_rate
FROM orders
