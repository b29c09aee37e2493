-- Grain:   one row an event by a person, in the order of customers and times.
-- Inputs:  file_events; zone_offsets(zone, since, until, offset_seconds): how the zones' clocks run; $timed.
-- Output:  send_events(customer, kind, hour, weeks_ago, weight, segment): `customer` numbers customers from 0; hour of the local
--          week, 0 from Monday 00:00; weeks before the last event of all. A customer's segment is that of its earliest row, so that
--          nothing later is known of it.
CREATE OR REPLACE TABLE send_events AS
WITH people AS (
    SELECT *
    FROM file_events
    WHERE NOT by_machine
),
localised AS (
    SELECT
        people.n,
        people.customer_id,
        people.kind,
        people."at",
        people.weight,
        people.segment,
        coalesce(
            people.hour,
            CAST(
                (CAST(epoch(people."at") AS BIGINT) + zone_offsets.offset_seconds + 3 * 86400) // 3600 % 168 AS INTEGER
            )
        ) AS hour
    FROM people
    LEFT JOIN zone_offsets
        ON people.zone = zone_offsets.zone
        AND people."at" >= zone_offsets.since
        AND people."at" < zone_offsets.until
),
latest AS (
    SELECT max("at") AS "at" FROM people
),
first_segments AS (
    SELECT customer_id, arg_min(segment, n) AS any_segment, arg_min(segment, "at") AS segment
    FROM people
    GROUP BY customer_id
)

SELECT
    CAST(dense_rank() OVER (ORDER BY localised.customer_id) - 1 AS BIGINT) AS customer,
    localised.kind,
    localised.hour,
    CASE WHEN $timed THEN (epoch(latest."at") - epoch(localised."at")) / 604800.0 ELSE 0.0 END AS weeks_ago,
    localised.weight,
    coalesce(first_segments.segment, first_segments.any_segment) AS segment
FROM localised
CROSS JOIN latest
INNER JOIN first_segments ON localised.customer_id = first_segments.customer_id
ORDER BY localised.customer_id, localised."at", localised.n;
