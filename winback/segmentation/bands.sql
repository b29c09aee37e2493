-- Grain:   one row a quantile of `quantiles` whose measure anybody has.
-- Input:   facts (winback/features/facts.sql); quantiles (name, measure, millionths), see rubric_calibration.py
-- Output:  name, cut: the smallest value of the measure that at least this share of its customers do not exceed.
--
-- Exact and discrete: customers are counted by value, so equal ones fall on one side, and cut is a value that occurs.
-- Everything is an integer (shares in thousandths or millionths), so that no engine rounds differently.
WITH measured AS (
    SELECT 'net_minor' AS measure, net_minor AS value
    FROM facts
    WHERE purchases > 0
    UNION ALL
    SELECT 'purchases' AS measure, CAST(purchases AS BIGINT) AS value
    FROM facts
    WHERE purchases > 0
    UNION ALL
    SELECT 'repeaters_purchases' AS measure, CAST(purchases AS BIGINT) AS value
    FROM facts
    WHERE purchases >= 2
    UNION ALL
    SELECT 'silence_days' AS measure, CAST(silence_days AS BIGINT) AS value
    FROM facts
    WHERE purchases > 0
    UNION ALL
    SELECT
        'premium_permille' AS measure,
        CAST(floor(CAST(premium_orders AS DOUBLE) * 1000 / purchase_orders) AS BIGINT) AS value
    FROM facts
    WHERE purchases >= 2 AND premium_orders > 0
    UNION ALL
    SELECT
        'discount_permille' AS measure,
        CAST(floor(CAST(discounted_orders AS DOUBLE) * 1000 / purchase_orders) AS BIGINT) AS value
    FROM facts
    WHERE purchases >= 2 AND discounted_orders IS NOT NULL
    UNION ALL
    SELECT 'categories' AS measure, CAST(categories AS BIGINT) AS value
    FROM facts
    WHERE purchases >= 2 AND categories IS NOT NULL
    UNION ALL
    SELECT 'engagement_micro' AS measure, CAST(round(engagement * 1000000) AS BIGINT) AS value
    FROM facts
    WHERE purchases > 0 AND engagement IS NOT NULL
    UNION ALL
    SELECT
        'yearly_milli' AS measure,
        CAST(
            floor(CAST(purchases AS DOUBLE) * 365000 / greatest(tenure_days, $shortest_tenure_days)) AS BIGINT
        ) AS value
    FROM facts
    WHERE purchases >= 2
),
counted AS (
    SELECT measure, value, count(*) AS customers
    FROM measured
    GROUP BY measure, value
),
running AS (
    SELECT
        measure,
        value,
        sum(customers) OVER (PARTITION BY measure ORDER BY value ROWS UNBOUNDED PRECEDING) AS up_to,
        sum(customers) OVER (PARTITION BY measure) AS total
    FROM counted
)
SELECT quantiles.name, CAST(min(running.value) AS BIGINT) AS cut
FROM quantiles
JOIN running
    ON running.measure = quantiles.measure
    AND running.up_to * 1000000 >= quantiles.millionths * running.total
GROUP BY quantiles.name;
