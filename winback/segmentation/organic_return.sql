-- Grain:   one row a segment that occurred.
-- Input:   snapshot as of $since (segments.sql) and orders; $since and $as_of are timestamps, $since the earlier one
-- Output:  customers that were in the segment then, and how many of them purchased from then until $as_of.
WITH buyers AS (
    SELECT DISTINCT customer_id
    FROM orders
    WHERE amount_minor >= 0 AND ordered_at >= $since AND ordered_at < $as_of
)
SELECT
    snapshot.segment,
    count(*)::BIGINT AS customers,
    count(buyers.customer_id)::BIGINT AS returned
FROM snapshot
LEFT JOIN buyers USING (customer_id)
GROUP BY ALL
ORDER BY ALL;
