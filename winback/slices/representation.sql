-- Grain:   one row a value of one dimension.
-- Input:   combinations (combinations.sql)
-- Output:  dimension, value (NULL: not known), customers of the universe, members; dimensions in the order of preview.py.
WITH dimensions AS (
    SELECT 1 AS place, 'segment' AS dimension, segment AS value, customers, members FROM combinations
    UNION ALL
    SELECT 2, 'family', family, customers, members FROM combinations
    UNION ALL
    SELECT 3, 'premium_tier', premium_tier, customers, members FROM combinations
    UNION ALL
    SELECT 4, 'discount_tier', discount_tier, customers, members FROM combinations
    UNION ALL
    SELECT 5, 'breadth_tier', breadth_tier, customers, members FROM combinations
    UNION ALL
    SELECT 6, 'engagement_tier', engagement_tier, customers, members FROM combinations
    UNION ALL
    SELECT 7, 'behaviour', behaviour, customers, members FROM combinations
)
SELECT dimension, value, sum(customers)::BIGINT AS customers, sum(members)::BIGINT AS members
FROM dimensions
GROUP BY place, dimension, value
ORDER BY place, members DESC, customers DESC, value NULLS LAST;
