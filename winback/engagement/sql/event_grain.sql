-- Grain of the file: one row an event. The first good row of an event counts.
-- Input: checked. Outputs: set_aside(n, problem, first_n): rows with a problem, and rows that repeat an earlier one
--   (`duplicate`) or contradict it; events: the others, in the order of the file.
CREATE OR REPLACE TEMP TABLE set_aside AS
WITH repeated AS (
    SELECT
        identity,
        min(n) AS first_n,
        arg_min(content, n) AS first_content
    FROM checked
    WHERE problem IS NULL
    GROUP BY identity
    HAVING count(*) > 1
)

SELECT
    later.n,
    CASE WHEN later.content = repeated.first_content THEN 'duplicate' ELSE 'event_id: used again' END AS problem,
    repeated.first_n
FROM checked AS later
INNER JOIN repeated ON later.identity = repeated.identity AND later.n > repeated.first_n
WHERE later.problem IS NULL
UNION ALL
SELECT
    n,
    problem,
    NULL AS first_n
FROM checked
WHERE problem IS NOT NULL;

CREATE OR REPLACE TABLE events AS
SELECT
    customer_id,
    kind,
    channel,
    "at",
    identity
FROM checked
ANTI JOIN set_aside USING (n)
ORDER BY n;
