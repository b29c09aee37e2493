-- Grain:   one row a segment, overlay and tier that some member has.
-- Input:   combinations (combinations.sql)
-- Output:  segment, overlay, tier (NULL: not known), members and their net value in minor units.
WITH overlays AS (
    SELECT segment, 'premium' AS overlay, premium_tier AS tier, members, members_net_minor FROM combinations
    UNION ALL
    SELECT segment, 'discount', discount_tier, members, members_net_minor FROM combinations
    UNION ALL
    SELECT segment, 'breadth', breadth_tier, members, members_net_minor FROM combinations
    UNION ALL
    SELECT segment, 'engagement', engagement_tier, members, members_net_minor FROM combinations
)
SELECT
    segment,
    overlay,
    tier,
    sum(members)::BIGINT AS members,
    sum(members_net_minor)::BIGINT AS members_net_minor
FROM overlays
WHERE members > 0
GROUP BY segment, overlay, tier
ORDER BY segment, overlay, members DESC, tier NULLS LAST;
