-- Grain:   one row.
-- Input:   facts (winback/features/facts.sql)
-- Output:  the cut-offs of winback/segmentation/rubric.py; nulls when nobody has purchased.
--
-- quantile_disc returns a value that occurs, never one between two: equal customers fall on one side.
WITH buyers AS (
    SELECT net_minor, purchases
    FROM facts
    WHERE purchases > 0
),
value_cuts AS (
    SELECT quantile_disc(net_minor, [0.8, 0.85, 0.985, 0.997]) AS cuts
    FROM buyers
),
frequency_cut AS (
    SELECT quantile_disc(purchases, 0.6) AS cut
    FROM buyers
    WHERE purchases >= 2
)
SELECT
    cuts[1] AS high_value_minor,
    greatest(3, coalesce(cut, 3)) AS frequent_purchases,
    cuts[2] AS premium_above_minor,
    cuts[3] AS elite_above_minor,
    cuts[4] AS vip_above_minor
FROM value_cuts, frequency_cut;
