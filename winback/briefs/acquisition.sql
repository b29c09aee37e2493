-- Grain:   one row an acquisition channel, the store's own word for it.
-- Input:   snapshot (winback/segmentation/behaviours.sql)
-- Output:  customers, how many of them bought once, and net value to date; the 12 with most customers.
SELECT
    acquisition_channel AS channel,
    CAST(count(*) AS BIGINT) AS customers,
    CAST(sum(CASE WHEN purchases = 1 THEN 1 ELSE 0 END) AS BIGINT) AS bought_once,
    CAST(sum(net_minor) AS BIGINT) AS net_minor
FROM snapshot
WHERE acquisition_channel IS NOT NULL
GROUP BY acquisition_channel
ORDER BY customers DESC, channel
LIMIT 12
