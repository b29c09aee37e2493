-- Grain:   one row a (part, first, second): the total, segments, and cells of the grid.
-- Input:   published
-- Output:  customers, those of them with a predicted value, and the sums over these: predicted value with its bounds, margin.
SELECT
    part,
    first,
    second,
    count(*) AS customers,
    count(predicted_value_minor) AS valued,
    sum(predicted_value_minor)::BIGINT AS predicted_value_minor,
    sum(predicted_value_low_minor)::BIGINT AS predicted_value_low_minor,
    sum(predicted_value_high_minor)::BIGINT AS predicted_value_high_minor,
    sum(predicted_margin_minor)::BIGINT AS predicted_margin_minor,
    sum(net_minor)::BIGINT AS net_minor
FROM (
    SELECT 'total' AS part, NULL::VARCHAR AS first, NULL::VARCHAR AS second, published.* FROM published
    UNION ALL
    SELECT 'segment', segment, NULL, published.* FROM published
    UNION ALL
    SELECT 'cell', value_tier, status, published.* FROM published
)
GROUP BY part, first, second;
