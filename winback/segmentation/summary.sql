-- Grain:   one row a (part, first, second) that occurs: the rows of each list of the summary.
-- Input:   snapshot (behaviours.sql)
-- Output:  part, the names of the row (second: null where one is enough), and what its customers add up to: customers,
--          orders, purchases, net value, lapsed; margin and net value of the orders whose costs are known.
--
-- Customers are added up once, by everything that any list tells apart; the lists add those groups up again.
WITH groups AS (
    SELECT
        segment,
        family,
        value_tier,
        status,
        behaviour,
        premium_tier,
        discount_tier,
        breadth_tier,
        engagement_tier,
        recency_band,
        frequency_band,
        monetary_band,
        recency_score,
        frequency_score,
        monetary_score,
        count(*) AS customers,
        sum(orders) AS orders,
        sum(purchases) AS purchases,
        sum(net_minor) AS net_minor,
        sum(CASE WHEN lapsed THEN 1 ELSE 0 END) AS lapsed,
        sum(margin_minor) AS margin_minor,
        sum(costed_net_minor) AS margin_net_minor
    FROM snapshot
    GROUP BY
        segment,
        family,
        value_tier,
        status,
        behaviour,
        premium_tier,
        discount_tier,
        breadth_tier,
        engagement_tier,
        recency_band,
        frequency_band,
        monetary_band,
        recency_score,
        frequency_score,
        monetary_score
),
parts AS (
    SELECT 'segment' AS part, segment AS first, CAST(NULL AS VARCHAR) AS second, groups.* FROM groups
    UNION ALL
    SELECT 'family', family, NULL, groups.* FROM groups
    UNION ALL
    SELECT 'cell', value_tier, status, groups.* FROM groups
    UNION ALL
    SELECT 'behaviour', behaviour, NULL, groups.* FROM groups
    UNION ALL
    SELECT 'premium', premium_tier, segment, groups.* FROM groups
    UNION ALL
    SELECT 'discount', discount_tier, segment, groups.* FROM groups
    UNION ALL
    SELECT 'breadth', breadth_tier, segment, groups.* FROM groups
    UNION ALL
    SELECT 'engagement', engagement_tier, segment, groups.* FROM groups
    UNION ALL
    SELECT 'recency_band', recency_band, NULL, groups.* FROM groups
    UNION ALL
    SELECT 'frequency_band', frequency_band, NULL, groups.* FROM groups
    UNION ALL
    SELECT 'monetary_band', monetary_band, NULL, groups.* FROM groups
    UNION ALL
    SELECT 'recency_score', CAST(recency_score AS VARCHAR), NULL, groups.* FROM groups
    UNION ALL
    SELECT 'frequency_score', CAST(frequency_score AS VARCHAR), NULL, groups.* FROM groups
    UNION ALL
    SELECT 'monetary_score', CAST(monetary_score AS VARCHAR), NULL, groups.* FROM groups
)
SELECT
    part,
    first,
    second,
    CAST(sum(customers) AS BIGINT) AS customers,
    CAST(sum(orders) AS BIGINT) AS orders,
    CAST(sum(purchases) AS BIGINT) AS purchases,
    CAST(sum(net_minor) AS BIGINT) AS net_minor,
    CAST(sum(lapsed) AS BIGINT) AS lapsed,
    CAST(sum(margin_minor) AS BIGINT) AS margin_minor,
    CAST(sum(margin_net_minor) AS BIGINT) AS margin_net_minor
FROM parts
GROUP BY part, first, second
ORDER BY part, first, second NULLS FIRST;
