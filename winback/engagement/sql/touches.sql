-- Grain:   one row a touch before $as_of.
-- Input:   engagement_files (customer_key, kind, channel, "at" timestamp in UTC, touch_id, by_machine, hour_weight);
--          $as_of timestamp
-- Output:  table touches (customer_id, kind, channel, "at", by_machine, hour_weight); its customer_id is the customer key;
--          hour_weight is null unless the touch answers a send whose hour was drawn with a logged propensity.
--
-- The lake may hold a touch many times: each change of a send is exported with all that was known of it. The earliest counts;
-- the rest of the struct only decides between contradictory rows, so that any order of files gives the same.
CREATE OR REPLACE TEMP TABLE touches AS
WITH firsts AS (
    SELECT
        min(
            {
                'at': "at",
                'customer_key': customer_key,
                'kind': kind,
                'channel': coalesce(channel, ''),
                'by_machine': coalesce(by_machine, FALSE),
                'hour_weight': coalesce(hour_weight, 0.0)
            }
        ) AS first_told
    FROM engagement_files
    WHERE "at" < $as_of
    GROUP BY touch_id
)
SELECT
    first_told.customer_key AS customer_id,
    first_told.kind AS kind,
    nullif(first_told.channel, '') AS channel,
    first_told."at" AS "at",
    first_told.by_machine AS by_machine,
    nullif(first_told.hour_weight, 0.0) AS hour_weight
FROM firsts;
