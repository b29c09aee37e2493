-- Grain:   one row an hour of the local week in which anything happened.
-- Input:   send_events.
-- Output:  hour, weight: of opens and clicks, or of orders where those are fewer.
WITH engaged AS (
    SELECT
        count(*) FILTER (WHERE kind <> 'ordered') AS reading,
        count(*) FILTER (WHERE kind = 'ordered') AS buying
    FROM send_events
)
SELECT send_events.hour, sum(send_events.weight) AS weight
FROM send_events
CROSS JOIN engaged
WHERE (send_events.kind <> 'ordered') = (engaged.reading >= 200 OR engaged.reading >= engaged.buying)
GROUP BY send_events.hour
ORDER BY send_events.hour;
