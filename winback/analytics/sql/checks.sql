-- Grain:   one row a rule that must hold for each launch.
-- Input:   audience, fates; $steps: how many steps the launch has; $complete: all of them have been planned to the end
-- Output:  name, violations: how many sends or customers break it
SELECT 'holdout' AS name, count(*) AS violations FROM fates WHERE arm <> 'treatment' AND attempted
UNION ALL
SELECT 'at_most_once', count(*) FROM (SELECT 1 FROM fates GROUP BY customer_key, step HAVING count(*) > 1)
UNION ALL
SELECT 'verdict', count(*) FROM fates WHERE verdict <> 'allow' AND attempted
UNION ALL
SELECT 'plan_covers_audience', count(*)
-- The steps come from the launch, not from the plan: a plan of nothing at all must not pass.
FROM (SELECT unnest(range(1, $steps + 1)) AS step) AS steps
CROSS JOIN (SELECT customer_key AS assigned_key FROM audience WHERE arm IS NOT NULL) AS assigned
FULL JOIN (SELECT DISTINCT customer_key AS planned_key, step AS planned_step FROM fates) AS planned
    ON assigned_key = planned_key AND steps.step = planned_step
WHERE assigned_key IS NULL OR planned_key IS NULL AND $complete;
