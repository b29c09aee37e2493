-- Grain: one row a row of the file.
-- Inputs: view source(n, canonical columns as text), macros of winback/imports/sql; $kinds, $channels (lists of text),
--   $latest (timestamp or NULL).
-- Output: checked: typed values, the first problem of the row in the order of its columns (NULL: none), what names the event
--   (`identity`) and what tells a repeated one from another (`content`). winback/engagement/store_events.py computes the same
--   two; the separator is a control character, which no field may contain.
CREATE OR REPLACE TABLE checked AS
WITH fields AS (
    SELECT
        n,
        cleaned(customer_id) AS customer_id,
        lower(cleaned(kind)) AS kind,
        cleaned("at") AS at_text,
        instant_of(cleaned("at")) AS moment,
        lower(cleaned(channel)) AS channel,
        cleaned(event_id) AS event_id
    FROM source
),

judged AS (
    SELECT
        *,
        concat_ws(
            chr(31), customer_id, kind, coalesce(channel, ''), CAST(epoch_ms(moment) // 1000 AS VARCHAR)
        ) AS content,
        CASE
            WHEN customer_id IS NULL THEN 'customer_id: missing'
            WHEN length(customer_id) > 128 THEN 'customer_id: too long'
            WHEN has_control_characters(customer_id) THEN 'customer_id: control characters'
            WHEN kind IS NULL THEN 'kind: missing'
            WHEN NOT list_contains($kinds, kind) THEN 'kind: not a kind'
            WHEN at_text IS NULL THEN 'at: missing'
            WHEN moment IS NULL THEN 'at: not a date'
            WHEN moment < TIMESTAMP '1970-01-01' THEN 'at: before 1970'
            WHEN moment > $latest THEN 'at: in the future'
            WHEN NOT list_contains($channels, channel) THEN 'channel: not a channel'
            WHEN length(event_id) > 128 THEN 'event_id: too long'
            WHEN has_control_characters(event_id) THEN 'event_id: control characters'
        END AS problem
    FROM fields
)

SELECT
    n,
    customer_id,
    kind,
    channel,
    moment AS "at",
    content,
    CASE WHEN event_id IS NULL THEN concat('moment', chr(31), content) ELSE concat('id', chr(31), event_id) END AS identity,
    problem
FROM judged;
