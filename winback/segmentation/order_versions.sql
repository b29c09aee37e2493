-- Grain:   one row an order: its latest version.
-- Input:   largest_file: the orders of the largest Parquet file, in which an order_id occurs once (an import writes it so), and
--          their row_number in it; other_files: the orders of all other files, in which versions may repeat. Both with the
--          columns of docs/data-model.md.
-- Output:  tables superseded_rows (row_number), repeated_orders (order_id) and latest_versions (orders); order_files.py makes
--          the relation from largest_file without the first, other_files without the second, and the third.
--
-- Of an order_id the greatest (received_at, fingerprint) counts. Nearly all orders have one version, so only the
-- identifiers that occur twice are sorted out; the rows of the largest file pass by, told apart by number.
CREATE OR REPLACE TEMP TABLE repeated_in_largest AS
SELECT order_id, row_number, received_at, fingerprint
FROM largest_file
SEMI JOIN other_files USING (order_id);

CREATE OR REPLACE TEMP TABLE repeated_orders AS
SELECT order_id
FROM other_files
GROUP BY order_id
HAVING count(*) > 1
UNION
SELECT order_id
FROM repeated_in_largest;

CREATE OR REPLACE TEMP TABLE superseded_rows AS
SELECT DISTINCT repeated_in_largest.row_number
FROM repeated_in_largest
JOIN other_files USING (order_id)
WHERE (other_files.received_at, other_files.fingerprint)
    >= (repeated_in_largest.received_at, repeated_in_largest.fingerprint);

CREATE OR REPLACE TEMP TABLE latest_versions AS
WITH kept_in_largest AS (
    FROM repeated_in_largest
    ANTI JOIN superseded_rows USING (row_number)
)
SELECT *
FROM other_files
SEMI JOIN repeated_orders USING (order_id)
ANTI JOIN kept_in_largest USING (order_id)
QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY received_at DESC, fingerprint DESC) = 1;
