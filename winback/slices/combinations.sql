-- Grain:   one row a combination of dimensions that some customer of the universe has.
-- Input:   marked (preview.py): net_minor, the dimensions below (NULL where the snapshot has no such column), member
-- Output:  customers and net value in minor units, of the universe and of the members.
SELECT
    segment,
    family,
    premium_tier,
    discount_tier,
    breadth_tier,
    engagement_tier,
    behaviour,
    count(*) AS customers,
    coalesce(sum(net_minor), 0)::BIGINT AS net_minor,
    count(CASE WHEN member THEN 1 END) AS members,
    coalesce(sum(CASE WHEN member THEN net_minor END), 0)::BIGINT AS members_net_minor
FROM marked
GROUP BY ALL
