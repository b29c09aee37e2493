-- Grain:   one row a ranker, customer and item, at most $most a ranker and customer.
-- Input:   item_days, item_histories of the customers at hand; item_statistics of the account; $most.
-- Output:  table baseline_ranks (customer_id, ranker, item, rank): popular, the account's most often bought items; last, those
--          of the customer's last order day, the most often bought first; own, what the customer bought on most days, of
--          equals the latest. The latter two are filled up with popular ones.
CREATE OR REPLACE TEMP TABLE baseline_ranks AS
WITH popular AS (
    SELECT item, purchases AS popularity
    FROM item_statistics
    ORDER BY purchases DESC, item
    LIMIT 2 * $most
),
customers AS (
    SELECT customer_id, max(last_day) AS last_day
    FROM item_histories
    GROUP BY customer_id
),
own AS (
    SELECT customer_id, item, item_histories.purchases, item_histories.last_day, customers.last_day AS latest, popularity
    FROM item_histories
    JOIN customers USING (customer_id)
    JOIN (SELECT item, purchases AS popularity FROM item_statistics) USING (item)
),
places AS (
    SELECT 'popular' AS ranker, customer_id, item, [popularity, 0, 0] AS place
    FROM customers
    CROSS JOIN popular
    UNION ALL
    SELECT 'last', customer_id, item, [1, popularity, 0]
    FROM own
    WHERE last_day = latest
    UNION ALL
    SELECT 'own', customer_id, item, [purchases, epoch(last_day)::BIGINT, popularity]
    FROM own
    UNION ALL
    SELECT ranker, customer_id, item, [0, popularity, 0]
    FROM customers
    CROSS JOIN popular
    CROSS JOIN (VALUES ('last'), ('own')) AS rankers (ranker)
),
once AS (
    SELECT ranker, customer_id, item, max(place) AS place
    FROM places
    GROUP BY ranker, customer_id, item
)
SELECT ranker, customer_id, item, row_number() OVER (PARTITION BY ranker, customer_id ORDER BY place DESC, item) AS rank
FROM once
QUALIFY rank <= $most;
