-- Grain:   one row a (segment, family, value_tier, status) that occurs.
-- Input:   snapshot (segments.sql)
-- Output:  customers, orders, purchases, net value in minor units, and how many of the customers are lapsed.
SELECT
    segment,
    family,
    value_tier,
    status,
    count(*)::BIGINT AS customers,
    sum(orders)::BIGINT AS orders,
    sum(purchases)::BIGINT AS purchases,
    sum(net_minor)::BIGINT AS net_minor,
    count(*) FILTER (lapsed)::BIGINT AS lapsed
FROM snapshot
GROUP BY ALL
ORDER BY ALL;
