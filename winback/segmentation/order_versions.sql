-- Grain:   one row an order: its latest version.
-- Input:   largest_file: the orders of the largest Parquet file, in which an order_id occurs once (an import writes it so);
--          other_files: the orders of all other files, in which versions may repeat. Both with the columns of
--          docs/data-model.md.
-- Output:  tables repeated_orders (order_id) and latest_versions (one row each); order_files.py unites them with the rest.
--
-- Of an order_id the greatest (received_at, fingerprint) counts. Nearly all orders have one version, so only the
-- identifiers that occur twice are sorted out; the others pass by untouched.
CREATE OR REPLACE TEMP TABLE repeated_orders AS
SELECT order_id
FROM other_files
GROUP BY order_id
HAVING count(*) > 1
UNION
SELECT order_id
FROM largest_file
SEMI JOIN other_files USING (order_id);

CREATE OR REPLACE TEMP TABLE latest_versions AS
WITH versions AS (
    FROM largest_file SEMI JOIN repeated_orders USING (order_id)
    UNION ALL BY NAME
    FROM other_files SEMI JOIN repeated_orders USING (order_id)
)
SELECT *
FROM versions
QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY received_at DESC, fingerprint DESC) = 1;
