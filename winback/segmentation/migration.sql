-- Grain:   one row a (place before, place now) that occurs; a place is segment, value tier and status.
-- Input:   before and now: two snapshots of one account, each customer_key, segment, value_tier, status, net_minor
-- Output:  customers that went from one place to the other, and their net value in minor units before and now. All of from_…
--          are null for new buyers, all of to_… for those who are no longer buyers.
SELECT
    before.segment AS from_segment,
    before.value_tier AS from_value_tier,
    before.status AS from_status,
    now.segment AS to_segment,
    now.value_tier AS to_value_tier,
    now.status AS to_status,
    count(*)::BIGINT AS customers,
    coalesce(sum(before.net_minor), 0)::BIGINT AS net_minor_before,
    coalesce(sum(now.net_minor), 0)::BIGINT AS net_minor_now
FROM before
FULL JOIN now ON before.customer_key = now.customer_key
GROUP BY
    before.segment, before.value_tier, before.status,
    now.segment, now.value_tier, now.status
ORDER BY
    before.segment NULLS LAST, before.value_tier NULLS LAST, before.status NULLS LAST,
    now.segment NULLS LAST, now.value_tier NULLS LAST, now.status NULLS LAST;
