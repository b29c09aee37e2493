-- Grain:   one row a customer of the audience, also of one who did nothing.
-- Inputs:  send_events; audience (customer_id, segment); $as_of timestamp, $most: newest events of a kind that count.
-- Output:  customer_id, segment, and for each kind a list of structs (hour, weeks_ago, weight), newest first; by customer_id.
WITH ranked AS (
    SELECT
        send_events.customer_id,
        send_events.kind,
        {
            'hour': send_events.hour,
            'weeks_ago': round((epoch($as_of) - epoch(send_events."at")) / 604800.0, 2),
            'weight': round(send_events.weight, 3)
        } AS event,
        row_number() OVER (
            PARTITION BY send_events.customer_id, send_events.kind
            ORDER BY send_events."at" DESC, send_events.hour
        ) AS newest
    FROM send_events
    INNER JOIN audience ON send_events.customer_id = audience.customer_id
    WHERE send_events."at" < $as_of
),
listed AS (
    SELECT
        customer_id,
        list(event ORDER BY newest) FILTER (WHERE kind = 'opened') AS opened,
        list(event ORDER BY newest) FILTER (WHERE kind = 'clicked') AS clicked,
        list(event ORDER BY newest) FILTER (WHERE kind = 'ordered') AS ordered
    FROM ranked
    WHERE newest <= $most
    GROUP BY customer_id
)
SELECT
    audience.customer_id,
    audience.segment,
    coalesce(listed.opened, []) AS opened,
    coalesce(listed.clicked, []) AS clicked,
    coalesce(listed.ordered, []) AS ordered
FROM audience
LEFT JOIN listed ON audience.customer_id = listed.customer_id
ORDER BY audience.customer_id;
