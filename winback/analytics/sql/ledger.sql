-- Grain:   one row a step (channel null), and one a channel (step null; "none": no channel was open to the customer).
-- Input:   arrivals (arrivals.sql: one row a live plan row)
-- Output:  planned counts pairs of customer and step in the treatment arm, the outcomes count plan rows: they differ when
--          a customer was planned twice. The funnel counts sends that reached a stage, whatever happened later.
SELECT
    step,
    channel,
    count(DISTINCT (customer_key, step)) AS planned,
    count(*) FILTER (outcome = 'complained') AS complained,
    count(*) FILTER (outcome = 'bounced_hard') AS bounced_hard,
    count(*) FILTER (outcome = 'bounced_soft') AS bounced_soft,
    count(*) FILTER (outcome = 'delivered') AS delivered,
    count(*) FILTER (outcome = 'accepted') AS accepted,
    count(*) FILTER (outcome = 'skipped') AS skipped,
    count(*) FILTER (outcome = 'failed') AS failed,
    count(*) FILTER (outcome = 'unknown') AS unknown,
    count(*) FILTER (outcome = 'due') AS due,
    count(*) FILTER (arrived) AS arrived,
    count(*) FILTER (arrived AND opened_at IS NOT NULL) AS opened,
    count(*) FILTER (arrived AND opened_at IS NULL AND machine_opened_at IS NOT NULL) AS opened_by_machines_only,
    count(*) FILTER (arrived AND clicked_at IS NOT NULL) AS clicked,
    count(*) FILTER (arrived AND clicked_at IS NULL AND bot_clicked_at IS NOT NULL) AS clicked_by_bots_only,
    count(*) FILTER (arrived AND coalesce(opened_at, clicked_at) IS NOT NULL) AS engaged,
    count(*) FILTER (unsubscribed_at IS NOT NULL) AS unsubscribed
FROM (
    SELECT * REPLACE (coalesce(channel, 'none') AS channel)
    FROM arrivals
    WHERE arm = 'treatment'
)
GROUP BY GROUPING SETS ((step), (channel))
ORDER BY step, channel;
