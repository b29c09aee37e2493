-- Grain:   one row a segment that occurred.
-- Input:   followed (customer_id, segment): where customers stood at $since; orders; $since and $until are timestamps,
--          $since the earlier one
-- Output:  customers that were in the segment then, how many of them purchased from $since until $until (exclusive), and
--          for how much.
WITH buyers AS (
    SELECT customer_id, sum(amount_minor) AS purchased_minor
    FROM orders
    WHERE amount_minor >= 0 AND ordered_at >= $since AND ordered_at < $until
    GROUP BY customer_id
)
SELECT
    followed.segment,
    CAST(count(*) AS BIGINT) AS customers,
    CAST(count(buyers.customer_id) AS BIGINT) AS returned,
    CAST(coalesce(sum(buyers.purchased_minor), 0) AS BIGINT) AS purchased_minor
FROM followed
LEFT JOIN buyers ON buyers.customer_id = followed.customer_id
GROUP BY followed.segment
ORDER BY followed.segment;
