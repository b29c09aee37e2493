-- Grain:   one row a (segment before, segment now) that occurs.
-- Input:   before (customer_id, segment) and snapshot (segments.sql)
-- Output:  customers that went from one to the other; `from_segment` null: new; `to_segment` null: no longer a buyer.
SELECT
    before.segment AS from_segment,
    snapshot.segment AS to_segment,
    count(*)::BIGINT AS customers
FROM before
FULL JOIN snapshot USING (customer_id)
GROUP BY ALL
ORDER BY ALL;
