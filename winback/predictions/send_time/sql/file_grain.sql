-- Grain:   of `file_events`, one row an event.
-- Input:   checked.
-- Outputs: set_aside(n, problem, first_n): rows with a problem, and repetitions: of one customer, kind and second the first row
--          counts, so that order lines of one basket are one event; file_events: the others, machine events included.
CREATE OR REPLACE TEMP TABLE set_aside AS
WITH numbered AS (
    SELECT
        n,
        min(n) OVER (PARTITION BY customer_id, kind, moment) AS first_n
    FROM checked
    WHERE problem IS NULL AND moment IS NOT NULL
)

SELECT n, 'duplicate' AS problem, first_n
FROM numbered
WHERE n > first_n
UNION ALL
SELECT n, problem, NULL AS first_n
FROM checked
WHERE problem IS NOT NULL;

CREATE OR REPLACE TABLE file_events AS
SELECT
    n,
    customer_id,
    kind,
    moment AS "at",
    hour,
    zone,
    segment,
    by_machine,
    has_propensity,
    weight
FROM checked
ANTI JOIN set_aside USING (n);
