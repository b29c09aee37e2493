-- Grain: one row an event of the file that the lake does not have: touches, as the lake keeps them.
-- Inputs: events; lake_events(touch_id), which other imports and batches wrote; variable key_salt.
-- Output: new_events. An event is told once: what comes later under its id changes nothing.
CREATE OR REPLACE TEMP TABLE new_events AS
WITH touches_of_file AS (
    SELECT
        substr(sha256(getvariable('key_salt') || ':' || customer_id), 1, 32) AS customer_key,
        kind,
        channel,
        "at",
        substr(sha256(getvariable('key_salt') || ':' || identity), 1, 32) AS touch_id,
        FALSE AS by_machine
    FROM events
)

SELECT *
FROM touches_of_file
ANTI JOIN lake_events USING (touch_id);
