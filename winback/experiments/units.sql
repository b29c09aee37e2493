-- Grain:   one row a randomised unit of which the outcome is known in at least one row.
-- Input:   experiment_rows (arm, unit, value DOUBLE; NULL where the outcome is missing); $cap_quantile. A unit has one arm.
-- Output:  table contributions (arm, unit, total, value, capped) and its one-row table contribution_cap (cap).
--
-- Where a unit has one row, `value` is its outcome. Where units have several, rows are not independent: `value` is the
-- arm's mean per row plus the unit's linearised part of it, (total - mean * rows) / mean rows a unit, so that the mean of
-- `value` is the rows' mean and its variance over units the delta method's (Deng, Knoblich and Lu 2018, "Applying the
-- Delta Method in Metric Analytics", equation 5).
CREATE OR REPLACE TEMP TABLE contribution_cap AS
SELECT quantile_disc(abs(value), $cap_quantile) AS cap
FROM experiment_rows
WHERE value <> 0;

CREATE OR REPLACE TEMP TABLE contributions AS
WITH units AS (
    SELECT
        arm,
        unit,
        count(*) AS rows,
        sum(value) AS total,
        sum(greatest(least(value, cap), -cap)) AS capped_total
    FROM experiment_rows
    CROSS JOIN (SELECT coalesce(cap, 0) AS cap FROM contribution_cap)
    WHERE value IS NOT NULL
    GROUP BY arm, unit
),
arms AS (
    SELECT
        arm,
        sum(total) / sum(rows) AS mean,
        sum(capped_total) / sum(rows) AS capped_mean,
        sum(rows) / count(*) AS mean_rows
    FROM units
    GROUP BY arm
)
SELECT
    arm,
    unit,
    total,
    CASE WHEN mean_rows = 1 THEN total ELSE mean + (total - mean * rows) / mean_rows END AS value,
    CASE WHEN mean_rows = 1 THEN capped_total ELSE capped_mean + (capped_total - capped_mean * rows) / mean_rows END
        AS capped
FROM units
JOIN arms USING (arm);
