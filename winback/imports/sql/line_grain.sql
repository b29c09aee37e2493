-- Grain of the file: one row an order line; rows that share order_id are one order, whose time is its earliest line's.
-- An order is taken whole or not at all: one rejected line, or lines that disagree, reject all its rows.
-- Inputs: checked, view source. Output: set_aside(n, problem, first_n), as order_grain.sql makes it.
CREATE OR REPLACE TEMP TABLE repeated_lines AS
WITH identified AS (
    SELECT
        checked.n,
        checked.order_id,
        md5_number(source.whole_row) AS content
    FROM checked
    INNER JOIN source USING (n)
    WHERE checked.problem IS NULL
),

first_lines AS (
    SELECT
        order_id,
        content,
        min(n) AS first_n
    FROM identified
    GROUP BY order_id, content
    HAVING count(*) > 1
)

SELECT
    identified.n,
    first_lines.first_n
FROM identified
INNER JOIN first_lines USING (order_id, content)
WHERE identified.n > first_lines.first_n;

CREATE OR REPLACE TEMP TABLE set_aside AS
WITH lines AS (
    SELECT checked.*
    FROM checked
    ANTI JOIN repeated_lines USING (n)
),

faulty AS (
    SELECT
        order_id,
        CASE
            WHEN min(customer_id) <> max(customer_id) THEN 'customer_id: differs within the order'
            WHEN min(currency) <> max(currency) THEN 'currency: differs within the order'
            WHEN abs(sum(amount_minor)) >= 1e15 OR sum(discount_minor) >= 1e15 OR abs(sum(cost_minor)) >= 1e15
                THEN 'amount: out of range'
            ELSE 'order_id: another line was rejected'
        END AS problem,
        CASE
            WHEN min(customer_id) <> max(customer_id) OR min(currency) <> max(currency) THEN min(n)
            ELSE min(n) FILTER (problem IS NOT NULL)
        END AS first_n
    FROM lines
    WHERE order_id IS NOT NULL
    GROUP BY order_id
    HAVING
        count(problem) > 0
        OR min(customer_id) <> max(customer_id)
        OR min(currency) <> max(currency)
        OR abs(sum(amount_minor)) >= 1e15
        OR sum(discount_minor) >= 1e15
        OR abs(sum(cost_minor)) >= 1e15
)

SELECT
    checked.n,
    faulty.problem,
    faulty.first_n
FROM checked
INNER JOIN faulty USING (order_id)
WHERE checked.problem IS NULL
UNION ALL
SELECT
    repeated_lines.n,
    'duplicate' AS problem,
    repeated_lines.first_n
FROM repeated_lines
INNER JOIN checked USING (n)
WHERE checked.order_id NOT IN (SELECT faulty.order_id FROM faulty)
UNION ALL
SELECT
    n,
    problem,
    NULL AS first_n
FROM checked
WHERE problem IS NOT NULL;
