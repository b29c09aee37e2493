-- Grain:   one row a customer whose stored segment item may differ from what `published` says.
-- Input:   stated: customer_key and `state`, the struct of what the item says (publication.py); before: the same of the
--          snapshots whose items may be stored, and `base`, which numbers them
-- Output:  table changed_customers (customer_key): new ones, and those that any base had differently;
--          table gone_customers (customer_key): in a base, but no longer a buyer (its orders were withdrawn or erased).
CREATE OR REPLACE TEMP TABLE changed_customers AS
WITH bases AS (
    SELECT DISTINCT base
    FROM before
),
same AS (
    SELECT stated.customer_key
    FROM stated
    JOIN before ON stated.customer_key = before.customer_key AND stated.state IS NOT DISTINCT FROM before.state
    GROUP BY stated.customer_key
    HAVING count(*) = (SELECT count(*) FROM bases)
)
SELECT customer_key
FROM stated
ANTI JOIN same USING (customer_key);

CREATE OR REPLACE TEMP TABLE gone_customers AS
SELECT DISTINCT customer_key
FROM before
ANTI JOIN stated USING (customer_key);
