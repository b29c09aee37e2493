-- Grain of the file: one row an order. The first good row of an order counts.
-- Input: checked. Output: set_aside(n, problem, first_n): rows with a problem, and rows that repeat an earlier one
--   (`duplicate`) or contradict it.
CREATE OR REPLACE TEMP TABLE set_aside AS
WITH repeated AS (
    SELECT
        order_id,
        min(n) AS first_n,
        arg_min(fingerprint, n) AS first_fingerprint
    FROM checked
    WHERE problem IS NULL AND order_id IN (
        SELECT candidates.order_id
        FROM checked AS candidates
        WHERE candidates.problem IS NULL
        GROUP BY candidates.order_id
        HAVING count(*) > 1
    )
    GROUP BY order_id
)

SELECT
    later.n,
    CASE WHEN later.fingerprint = repeated.first_fingerprint THEN 'duplicate' ELSE 'order_id: used again' END AS problem,
    repeated.first_n
FROM checked AS later
INNER JOIN repeated ON later.order_id = repeated.order_id AND later.n > repeated.first_n
WHERE later.problem IS NULL
UNION ALL
SELECT
    n,
    problem,
    NULL AS first_n
FROM checked
WHERE problem IS NOT NULL;
