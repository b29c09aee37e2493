-- Grain:   one row a customer whose stored segment item may differ from what `published` says.
-- Input:   published (published.sql); before: the snapshots whose items may be stored, with the same columns, and `base`, which
--          numbers them
-- Output:  table changed_customers (customer_key): new ones, and those that any base had differently;
--          table gone_customers (customer_key): in a base, but no longer a buyer (its orders were withdrawn or erased).
--
-- A probability moves a little every day; it counts as changed when its tenth does.
CREATE OR REPLACE TEMP TABLE changed_customers AS
WITH bases AS (
    SELECT DISTINCT base
    FROM before
),
same AS (
    SELECT published.customer_key
    FROM published
    JOIN before
        ON published.customer_key = before.customer_key
        AND published.segment = before.segment
        AND published.family = before.family
        AND published.value_tier = before.value_tier
        AND published.status = before.status
        AND published.lapsed = before.lapsed
        AND published.score_source = before.score_source
        AND floor(published.churn_probability * 10) IS NOT DISTINCT FROM floor(before.churn_probability * 10)
    GROUP BY published.customer_key
    HAVING count(*) = (SELECT count(*) FROM bases)
)
SELECT customer_key
FROM published
ANTI JOIN same USING (customer_key);

CREATE OR REPLACE TEMP TABLE gone_customers AS
SELECT DISTINCT customer_key
FROM before
ANTI JOIN published USING (customer_key);
