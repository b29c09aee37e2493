-- Grain:   tables of customers and of orders whose histories an earlier refresh no longer tells.
-- Input:   covered_files: the orders that the earlier refresh read; fresh_files: those that came since, both with the columns
--          of docs/data-model.md and with all versions; meantime (since, as_of): one row, the two refreshes' moments
-- Output:  table touched_customers (customer_key): of fresh orders, of older versions of those (an order may have moved to
--          another customer), and of orders that were in the future of the earlier refresh and no longer are;
--          table touched_orders: all versions of every order that such a customer ever had, for the latest to be found
--          among them. It may be another customer's by now, who need not be touched.
CREATE OR REPLACE TEMP TABLE touched_customers AS
SELECT customer_key
FROM fresh_files
UNION
SELECT covered_files.customer_key
FROM covered_files
SEMI JOIN fresh_files ON covered_files.order_id = fresh_files.order_id
UNION
SELECT covered_files.customer_key
FROM covered_files
CROSS JOIN meantime
WHERE covered_files.ordered_at >= meantime.since AND covered_files.ordered_at < meantime.as_of;

CREATE OR REPLACE TEMP TABLE touched_order_ids AS
SELECT covered_files.order_id
FROM covered_files
SEMI JOIN touched_customers ON covered_files.customer_key = touched_customers.customer_key
UNION
SELECT order_id
FROM fresh_files;

CREATE OR REPLACE TEMP TABLE touched_orders AS
SELECT covered_files.*
FROM covered_files
SEMI JOIN touched_order_ids ON covered_files.order_id = touched_order_ids.order_id
UNION ALL
SELECT *
FROM fresh_files;
