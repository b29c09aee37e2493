-- Grain: one row a rejected row of the file.
-- Inputs: malformed(line, problem, row), set_aside(n, problem, first_n), wanted(n), empty, view file_rows(n, line, row) of those,
--   explanations(problem, reason).
-- Output: rejects(line, field, problem, reason, row): `problem` is one of few, `reason` a sentence about this row.
INSERT INTO wanted
SELECT n
FROM set_aside
WHERE problem <> 'duplicate'
UNION
SELECT first_n
FROM set_aside
WHERE problem <> 'duplicate' AND first_n IS NOT NULL;

CREATE OR REPLACE TABLE rejects AS
WITH refused AS (
    SELECT *
    FROM set_aside
    WHERE problem <> 'duplicate'
),

numbered AS MATERIALIZED (
    SELECT * FROM file_rows
),

described AS (
    SELECT
        here.line,
        refused.problem,
        first.line AS first_line,
        here.row
    FROM refused
    INNER JOIN numbered AS here ON refused.n = here.n
    LEFT JOIN numbered AS first ON refused.first_n = first.n
    UNION ALL
    SELECT
        line,
        problem,
        NULL AS first_line,
        row
    FROM malformed
)

SELECT
    line,
    nullif(split_part(problem, ': ', 1), 'row') AS field,
    problem,
    replace(coalesce(explanations.reason, problem), '{line}', coalesce(CAST(first_line AS VARCHAR), '?')) AS reason,
    row
FROM described
LEFT JOIN explanations USING (problem)
ORDER BY line;
