-- Grain:   one row a customer.
-- Input:   daily_snapshot, yearly_snapshot, recalibrated_snapshot (customer_id, segment, cell, net_minor): the same orders by
--          the rates of their days, by the averages of their years, and by these with a rubric calibrated on them;
--          margins (rate_margins.sql)
-- Output:  table compared(customer_id, daily_segment, yearly_segment, recalibrated_segment, daily_cell, yearly_cell,
--          recalibrated_cell, daily_minor, yearly_minor, margin_minor); the margin is 0 without orders in other currencies.
CREATE OR REPLACE TEMP TABLE compared AS
SELECT
    daily.customer_id,
    daily.segment AS daily_segment,
    yearly.segment AS yearly_segment,
    recalibrated.segment AS recalibrated_segment,
    daily.cell AS daily_cell,
    yearly.cell AS yearly_cell,
    recalibrated.cell AS recalibrated_cell,
    daily.net_minor AS daily_minor,
    yearly.net_minor AS yearly_minor,
    coalesce(margins.margin_minor, 0) AS margin_minor
FROM daily_snapshot AS daily
INNER JOIN yearly_snapshot AS yearly ON daily.customer_id = yearly.customer_id
INNER JOIN recalibrated_snapshot AS recalibrated ON daily.customer_id = recalibrated.customer_id
LEFT JOIN margins ON daily.customer_id = margins.customer_id;
