-- Grain:   one row a customer of `overlaid`.
-- Input:   overlaid (overlays.sql), thresholds (thresholds.sql)
-- Output:  table snapshot: overlaid, and behaviour. The first rule that matches decides.
--
-- The spread of few gaps is mostly chance, so its square is averaged with the account's own (sigma squared of the
-- rhythm), which weighs as much as some gaps: the posterior variance of Smyth, "Linear models and empirical Bayes
-- methods", Statistical Applications in Genetics and Molecular Biology 3 (2004), section 3.
CREATE OR REPLACE TABLE snapshot AS
SELECT
    overlaid.*,
    CASE
        WHEN purchases = 1 THEN 'One-off Buyer'
        WHEN seasonal THEN 'Seasonal Buyer'
        WHEN
            gap_count >= repetitive_gaps
            AND spread_prior_gaps * spread_prior_variance + (gap_count - 1) * gap_log_spread * gap_log_spread
            <= repetitive_variance * (spread_prior_gaps + gap_count - 1)
            THEN 'Repetitive Buyer'
        WHEN floor(CAST(purchases AS DOUBLE) * 365000 / greatest(tenure_days, shortest_tenure_days)) <= low_yearly_milli
            THEN 'Low Frequency Buyer'
        WHEN floor(CAST(purchases AS DOUBLE) * 365000 / greatest(tenure_days, shortest_tenure_days)) > high_yearly_milli
            THEN 'High Frequency Buyer'
        ELSE 'Regular Frequency Buyer'
    END AS behaviour
FROM overlaid
CROSS JOIN thresholds;
