-- Grain:   one row a customer with an event before $as_of.
-- Inputs:  send_events; segments (customer_id, segment); $as_of timestamp, $most: newest events of a kind that count.
-- Output:  customer_id, segment, and for each kind a list of structs (hour, weeks_ago, weight), newest first; by customer_id.
WITH ranked AS (
    SELECT
        customer_id,
        kind,
        {
            'hour': hour,
            'weeks_ago': round((epoch($as_of) - epoch("at")) / 604800.0, 2),
            'weight': round(weight, 3)
        } AS event,
        row_number() OVER (PARTITION BY customer_id, kind ORDER BY "at" DESC, hour) AS newest
    FROM send_events
    WHERE "at" < $as_of
)
SELECT
    ranked.customer_id,
    any_value(segments.segment) AS segment,
    coalesce(list(event ORDER BY newest) FILTER (WHERE kind = 'opened'), []) AS opened,
    coalesce(list(event ORDER BY newest) FILTER (WHERE kind = 'clicked'), []) AS clicked,
    coalesce(list(event ORDER BY newest) FILTER (WHERE kind = 'ordered'), []) AS ordered
FROM ranked
LEFT JOIN segments ON ranked.customer_id = segments.customer_id
WHERE newest <= $most
GROUP BY ranked.customer_id
ORDER BY ranked.customer_id;
