-- Grain:   one row a buyer of the snapshot.
-- Input:   computed (the snapshot as refresh_compute wrote it)
-- Output:  buyers: x (repeats), t_x (recency_days) and T (age_days) in days, and what purchases are worth: paid of them came
--          to spent minor units.
--
-- T ends with the day of as_of. A snapshot does not tell purchases of nothing from others: they count among the paid, and
-- make the mean purchase less, just as the purchases that are expected count them.
CREATE OR REPLACE TEMP TABLE buyers AS
SELECT
    customer_key,
    segment,
    purchases - 1 AS repeats,
    span_days AS recency_days,
    tenure_days AS age_days,
    CASE WHEN gross_minor > 0 THEN purchases ELSE 0 END AS paid,
    gross_minor AS spent,
    returns_minor,
    net_minor,
    margin_minor,
    costed_net_minor
FROM computed
WHERE purchases > 0;
