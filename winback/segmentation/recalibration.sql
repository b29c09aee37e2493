-- Grain:   one row a (segment, value tier, status) by the current rubric and by the proposed one that occurs.
-- Input:   current_places (customer_id, segment, value_tier, status, lapsed, net_minor) by the current rubric; snapshot
--          (behaviours.sql) by the proposed one; both of the same customers
-- Output:  customers, their net value, and how many of them are lapsed by either.
SELECT
    current_places.segment AS current_segment,
    current_places.value_tier AS current_tier,
    current_places.status AS current_status,
    snapshot.segment AS proposed_segment,
    snapshot.value_tier AS proposed_tier,
    snapshot.status AS proposed_status,
    CAST(count(*) AS BIGINT) AS customers,
    CAST(sum(current_places.net_minor) AS BIGINT) AS net_minor,
    CAST(sum(CASE WHEN current_places.lapsed THEN 1 ELSE 0 END) AS BIGINT) AS lapsed_current,
    CAST(sum(CASE WHEN snapshot.lapsed THEN 1 ELSE 0 END) AS BIGINT) AS lapsed_proposed
FROM current_places
JOIN snapshot ON snapshot.customer_id = current_places.customer_id
GROUP BY
    current_places.segment,
    current_places.value_tier,
    current_places.status,
    snapshot.segment,
    snapshot.value_tier,
    snapshot.status;
