-- Grain:   one row a customer of the universe.
-- Input:   marked: customer_key, net_minor, the dimensions below (NULL where the snapshot has no such column), member
-- Output:  table combinations: one row a combination of dimensions, with customers and net value of universe and members.
CREATE OR REPLACE TEMP TABLE combinations AS
SELECT
    segment,
    family,
    premium_tier,
    discount_tier,
    breadth_tier,
    engagement_tier,
    behaviour,
    count(*) AS customers,
    sum(net_minor)::BIGINT AS net_minor,
    count(*) FILTER (member) AS members,
    coalesce(sum(net_minor) FILTER (member), 0)::BIGINT AS members_net_minor
FROM marked
GROUP BY ALL;
