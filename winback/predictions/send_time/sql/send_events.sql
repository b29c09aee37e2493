-- Grain:   one row an event that tells when a customer acts, from $since until $until (excluded).
-- Inputs:  touches (customer_id, kind, "at" timestamp in UTC, by_machine, hour_weight); orders (customer_id, ordered_at timestamp in
--          UTC, amount_minor); time_zones (customer_id, time_zone); zone_offsets (zone, since, until, offset_seconds): how the
--          clocks of $account_zone and of theirs run; $since, $until timestamps.
-- Output:  table send_events (customer_id, kind, "at", hour, weight): hour of the local week, 0 from Monday 00:00; of a customer
--          without a zone on the account's clocks.
--
-- What a machine opened or clicked tells nothing of its person. An order at midnight UTC to the second most likely came as a date
-- alone, which tells no hour; a return is not a purchase. 1970-01-01 was a Thursday, three days into its week.
CREATE OR REPLACE TEMP TABLE send_events AS
WITH acts AS (
    SELECT customer_id, kind, "at", coalesce(hour_weight, 1.0) AS weight
    FROM touches
    WHERE kind IN ('opened', 'clicked') AND NOT coalesce(by_machine, FALSE)
    UNION ALL
    SELECT customer_id, 'ordered' AS kind, ordered_at AS "at", 1.0 AS weight
    FROM orders
    WHERE amount_minor >= 0 AND epoch_ms(ordered_at) % 86400000 <> 0
),
placed AS (
    SELECT
        acts.customer_id,
        acts.kind,
        acts."at",
        acts.weight,
        coalesce(time_zones.time_zone, $account_zone) AS zone
    FROM acts
    LEFT JOIN time_zones ON acts.customer_id = time_zones.customer_id
    WHERE acts."at" >= $since AND acts."at" < $until
)
SELECT
    placed.customer_id,
    placed.kind,
    placed."at",
    CAST((CAST(epoch(placed."at") AS BIGINT) + zone_offsets.offset_seconds + 259200) // 3600 % 168 AS INTEGER) AS hour,
    placed.weight
FROM placed
INNER JOIN zone_offsets
    ON placed.zone = zone_offsets.zone
    AND placed."at" >= zone_offsets.since
    AND placed."at" < zone_offsets.until;
