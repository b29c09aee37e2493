-- Grain:   one row a row of the file.
-- Inputs:  view source(n, canonical columns as text), macros of winback/imports/sql; zones(name), the zones there are; $kind, what
--          a row is without a kind; $zone, of rows without one (NULL: they need one); $timed, $local: whether the file has
--          occurred_at, and weekday and hour; $zero_based: whether its weekdays count from Monday = 0.
-- Output:  checked: typed values and the first problem of the row (NULL: none). `hour` is the local hour of the week where
--          the file tells it, else NULL.
CREATE OR REPLACE TABLE checked AS
WITH fields AS (
    SELECT
        n,
        cleaned(customer_id) AS customer_id,
        CASE coalesce(lower(cleaned(kind)), $kind)
            WHEN 'open' THEN 'opened'
            WHEN 'click' THEN 'clicked'
            WHEN 'order' THEN 'ordered'
            WHEN 'purchase' THEN 'ordered'
            WHEN 'purchased' THEN 'ordered'
            ELSE coalesce(lower(cleaned(kind)), $kind)
        END AS kind,
        cleaned(occurred_at) AS at_text,
        instant_of(cleaned(occurred_at)) AS moment,
        lower(cleaned(weekday)) AS weekday_text,
        CASE
            WHEN regexp_full_match(lower(cleaned(weekday)), '(mon|tue|wed|thu|fri|sat|sun)[a-z]*')
                THEN list_position(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], substr(lower(cleaned(weekday)), 1, 3)) - 1
            WHEN regexp_full_match(cleaned(weekday), '[0-7]([.]0*)?')
                THEN CAST(substr(cleaned(weekday), 1, 1) AS INTEGER) - CASE WHEN $zero_based THEN 0 ELSE 1 END
        END AS day,
        CASE
            WHEN regexp_full_match(cleaned(hour), '[0-9]{1,2}([.]0*)?') THEN CAST(split_part(cleaned(hour), '.', 1) AS INTEGER)
        END AS hour_of_day,
        coalesce(lower(cleaned(by_machine)), 'false') AS machine_text,
        coalesce(cleaned(time_zone), $zone) AS zone,
        cleaned(segment) AS segment,
        cleaned(propensity) AS propensity_text,
        TRY_CAST(cleaned(propensity) AS DOUBLE) AS propensity,
        cleaned(possible_hours) AS possible_text,
        TRY_CAST(cleaned(possible_hours) AS DOUBLE) AS possible
    FROM source
)

SELECT
    n,
    customer_id,
    kind,
    moment,
    CASE WHEN $local THEN day * 24 + hour_of_day END AS hour,
    zone,
    segment,
    machine_text IN ('true', 't', 'yes', 'y', '1', '1.0') AS by_machine,
    propensity IS NOT NULL AS has_propensity,
    CASE WHEN propensity IS NULL THEN 1.0 ELSE 1 / (coalesce(possible, 168) * propensity) END AS weight,
    CASE
        WHEN customer_id IS NULL THEN 'customer_id: missing'
        WHEN length(customer_id) > 128 THEN 'customer_id: too long'
        WHEN kind NOT IN ('opened', 'clicked', 'ordered') THEN 'kind: not a kind'
        WHEN $timed AND at_text IS NULL THEN 'occurred_at: missing'
        WHEN $timed AND moment IS NULL THEN 'occurred_at: not a date'
        WHEN $timed AND NOT $local AND length(at_text) <= 10 THEN 'occurred_at: no time of day'
        WHEN moment < TIMESTAMP '1970-01-01' THEN 'occurred_at: before 1970'
        WHEN moment >= TIMESTAMP '2201-01-01' THEN 'occurred_at: not a date'
        WHEN $local AND (day IS NULL OR day > 6 OR day < 0) THEN 'weekday: not a weekday'
        WHEN $local AND (hour_of_day IS NULL OR hour_of_day > 23) THEN 'hour: not an hour'
        WHEN NOT $local AND zone IS NULL THEN 'time_zone: missing'
        WHEN NOT $local AND zone NOT IN (SELECT name FROM zones) THEN 'time_zone: not a zone'
        WHEN machine_text NOT IN ('true', 't', 'yes', 'y', '1', '1.0', 'false', 'f', 'no', 'n', '0', '0.0')
            THEN 'by_machine: not true or false'
        WHEN propensity_text IS NOT NULL AND coalesce(propensity <= 0 OR propensity > 1, TRUE)
            THEN 'propensity: not a probability'
        WHEN possible_text IS NOT NULL AND coalesce(possible < 1 OR possible > 840, TRUE)
            THEN 'possible_hours: not a number of hours'
    END AS problem
FROM fields;
