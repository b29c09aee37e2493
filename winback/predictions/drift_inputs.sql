-- Grain:   one row a bin of one input that has customers.
-- Input:   snapshot, a relation of the snapshot's customers; {input} is a column of it; $edges: ascending numbers.
-- Output:  bin: how many edges are at most the value, so 0 is below the first; one more than the edges where there is no
--          value (ml/metrics.py, shares); customers.
SELECT
    CASE
        WHEN {input} IS NULL THEN len($edges::DOUBLE[]) + 1
        ELSE len(list_filter($edges::DOUBLE[], lambda edge: edge <= {input}::DOUBLE))
    END AS bin,
    count(*) AS customers
FROM snapshot
WHERE purchases > 0
GROUP BY bin
ORDER BY bin;
