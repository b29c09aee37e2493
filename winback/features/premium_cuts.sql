-- Grain:   one row.
-- Input:   orders (orders with lines of quantity, price_minor); $as_of timestamp. {lines}: the lines, or nothing.
-- Output:  unit_minor and amount_minor of winback/features/premium.py; null where nothing is known.
--
-- An exact discrete quantile is the smallest value that occurs whose cumulative count reaches the share of all.
WITH orders_before AS (
    SELECT amount_minor, {lines} AS lines
    FROM orders
    WHERE ordered_at < $as_of AND amount_minor >= 0
),
units AS ( -- the dearest line of each order
    SELECT unit_minor AS value, count(*) AS occurrences
    FROM (
        SELECT list_max(list_transform(
            list_filter(lines, lambda line: line.quantity > 0),
            lambda line: (line.price_minor * 1000) // nullif((line.quantity * 1000)::BIGINT, 0)
        )) AS unit_minor
        FROM orders_before
    )
    WHERE unit_minor IS NOT NULL
    GROUP BY unit_minor
),
amounts AS (
    SELECT amount_minor AS value, count(*) AS occurrences
    FROM orders_before
    GROUP BY amount_minor
),
ranked_units AS (
    SELECT value, sum(occurrences) OVER (ORDER BY value) AS reached, sum(occurrences) OVER () AS total
    FROM units
),
ranked_amounts AS (
    SELECT value, sum(occurrences) OVER (ORDER BY value) AS reached, sum(occurrences) OVER () AS total
    FROM amounts
)
SELECT
    (SELECT min(value) FROM ranked_units WHERE 5 * reached >= 4 * total) AS unit_minor,
    (SELECT min(value) FROM ranked_amounts WHERE 5 * reached >= 4 * total) AS amount_minor;
