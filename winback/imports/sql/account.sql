-- Grain: one row. Rows of the file that could be split; those of them set aside; repeats; lines that could not be split.
SELECT
    (SELECT count(*) FROM staged) AS rows_split,
    (SELECT count(*) FROM set_aside) AS aside,
    (SELECT count(*) FROM set_aside WHERE problem = 'duplicate') AS duplicates,
    (SELECT count(*) FROM malformed) AS malformed;
