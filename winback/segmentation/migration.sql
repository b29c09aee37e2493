-- Grain:   one row a (segment before, segment now) that occurs.
-- Input:   before (customer_key, segment): one earlier snapshot; published (published.sql)
-- Output:  customers that went from one to the other; from_segment null: new buyers, to_segment null: no longer buyers.
SELECT
    before.segment AS from_segment,
    published.segment AS to_segment,
    count(*)::BIGINT AS customers
FROM before
FULL JOIN published USING (customer_key)
GROUP BY ALL
ORDER BY ALL;
