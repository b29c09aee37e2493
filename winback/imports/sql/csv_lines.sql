-- Inputs: csv_errors (DuckDB's rejects table; a line may have several errors), malformed (empty).
-- Outputs: malformed(line, problem, row); line_shifts(rows_before, malformed_before): a row that has at least
--   `rows_before` rows before it stands `malformed_before` lines further down than its number says.
INSERT INTO malformed
SELECT
    line,
    CASE min(error_type)
        WHEN 'MISSING COLUMNS' THEN 'row: wrong number of fields'
        WHEN 'TOO MANY COLUMNS' THEN 'row: wrong number of fields'
        WHEN 'LINE SIZE OVER MAXIMUM' THEN 'row: too long'
        ELSE 'row: broken quotes'
    END AS problem,
    trim(any_value(csv_line), E'\r\n') AS row
FROM csv_errors
GROUP BY line;

-- Adjacent malformed lines have the same rows before them: the rows after them are shifted by all of them.
CREATE OR REPLACE TEMP TABLE line_shifts AS
WITH numbered AS (
    SELECT
        line,
        row_number() OVER (ORDER BY line) AS malformed_before
    FROM malformed
)

SELECT
    line - 1 - numbered.malformed_before AS rows_before,
    max(numbered.malformed_before) AS malformed_before
FROM numbered
GROUP BY rows_before;
