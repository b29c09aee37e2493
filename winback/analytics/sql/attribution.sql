-- Grain:   one row a purchase that last touch credits to a send.
-- Input:   purchases (outcomes.sql); fates; $days, how long a touch counts
-- Output:  table attributed (order_id, customer_key, step, touch, amount_minor, currency)
--
-- A touch is the first open or the first click of a message by a person: the ledger keeps the earliest of each, so a
-- later one of the same message is not credited. Machine opens and bot clicks are no touches. Each purchase goes to the latest touch at
-- or before it and at most $days older, a click before an open of the same second. ASOF finds one touch for each
-- purchase, so no order can be credited twice.
CREATE OR REPLACE TABLE attributed AS
WITH touches AS (
    SELECT customer_key, step, 'open' AS touch, opened_at AS touched_at FROM fates WHERE opened_at IS NOT NULL
    UNION ALL
    SELECT customer_key, step, 'click' AS touch, clicked_at AS touched_at FROM fates WHERE clicked_at IS NOT NULL
),
one_a_second AS (
    SELECT * FROM touches
    QUALIFY row_number() OVER (PARTITION BY customer_key, touched_at ORDER BY touch = 'click' DESC, step DESC) = 1
)
SELECT purchases.order_id, purchases.customer_key, step, touch, amount_minor, currency
FROM purchases ASOF JOIN one_a_second
    ON purchases.customer_key = one_a_second.customer_key AND purchases.ordered_at >= one_a_second.touched_at
WHERE purchases.ordered_at <= touched_at + to_days($days);
