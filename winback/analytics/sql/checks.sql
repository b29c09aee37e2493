-- Grain:   one row a rule that must hold for each launch.
-- Input:   audience, fates, paths, offers; step_conditions (steps.step, the branches that lead to it and the ways taken);
--          caps (channel, sends, days: the account's frequency caps); $complete: every step has been planned to the end;
--          $approved: a person approved the launch; $offers: the ids of the offers that were approved with it; $budget: what
--          these may cost together, minor units, or null; $unique: the offers whose codes are for one customer each
-- Output:  name, violations: how many sends, customers, codes or minor units break it
SELECT 'holdout' AS name, count(*) AS violations FROM fates WHERE arm <> 'treatment' AND attempted
UNION ALL
SELECT 'at_most_once', count(*) FROM (SELECT 1 FROM fates GROUP BY customer_key, step HAVING count(*) > 1)
UNION ALL
SELECT 'verdict', count(*) FROM fates WHERE verdict <> 'allow' AND attempted
UNION ALL
SELECT 'plan_covers_audience', count(*)
-- The steps come from the launch, not from the plan: a plan of nothing at all must not pass. A step behind branches is for
-- those who went the ways that lead to it.
FROM (
    SELECT steps.step, customer_key AS assigned_key
    FROM (SELECT DISTINCT step FROM step_conditions) AS steps
    CROSS JOIN (SELECT customer_key FROM audience WHERE arm IS NOT NULL) AS assigned
    WHERE NOT EXISTS (
        SELECT 1
        FROM step_conditions AS needed
        WHERE needed.step = steps.step AND needed.branch IS NOT NULL AND NOT EXISTS (
            SELECT 1
            FROM paths
            WHERE paths.branch = needed.branch
                AND paths.way = needed.way
                AND paths.customer_key = assigned.customer_key
        )
    )
) AS due
FULL JOIN (SELECT DISTINCT customer_key AS planned_key, step AS planned_step FROM fates) AS planned
    ON assigned_key = planned_key AND due.step = planned_step
WHERE assigned_key IS NULL OR planned_key IS NULL AND $complete
UNION ALL
SELECT 'caps', count(*)
FROM (
    SELECT accepted_at, count(*) OVER (
        PARTITION BY customer_key, fates.channel
        ORDER BY epoch(accepted_at)
        RANGE BETWEEN caps.days * 86400 - 1 PRECEDING AND CURRENT ROW
    ) AS within, caps.sends
    FROM fates JOIN caps ON fates.channel = caps.channel
    WHERE attempted AND accepted_at IS NOT NULL
)
WHERE within > sends
UNION ALL
SELECT 'approved_offers', count(*)
FROM fates
WHERE attempted AND offer_id IS NOT NULL AND (NOT $approved OR NOT list_contains($offers, offer_id))
UNION ALL
SELECT 'codes', coalesce(sum(customers - 1), 0)
FROM (
    SELECT count(DISTINCT customer_key) AS customers
    FROM fates
    WHERE code IS NOT NULL AND list_contains($unique, offer_id)
    GROUP BY offer_id, code
)
UNION ALL
SELECT 'offer_budget', coalesce(greatest(sum(spend_minor) - $budget, 0), 0)
FROM offers SEMI JOIN (SELECT customer_key FROM fates WHERE attempted AND offer_id IS NOT NULL) AS given USING (customer_key);
