-- Grain: one row. Rows of the file that could be split; good ones among them; repeats; lines that could not be split.
SELECT
    (SELECT count(*) FROM staged) AS rows_split,
    (SELECT count(*) FROM checked WHERE problem IS NULL AND n NOT IN (SELECT set_aside.n FROM set_aside)) AS good,
    (SELECT count(*) FROM set_aside WHERE problem = 'duplicate') AS duplicates,
    (SELECT count(*) FROM malformed) AS malformed;
