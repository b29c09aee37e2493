-- Grain:   one row a customer with at least one touch before $as_of.
-- Input:   touches (customer_id, kind, channel, at timestamp in UTC, by_machine); $as_of timestamp
-- Output:  table engagement: messages and visits of the last 182 days, and the last message sent of any time.
--
-- What a machine opened or clicked says nothing about the customer. Kinds that are no message's are store events.
CREATE OR REPLACE TEMP TABLE engagement AS
WITH known AS (
    SELECT
        customer_id,
        kind,
        "at"::DATE AS day,
        kind NOT IN ('sent', 'delivered', 'opened', 'clicked', 'unsubscribed') AS is_visit,
        datediff('day', "at"::DATE, $as_of::DATE) <= 182 AS recent
    FROM {touches}
    WHERE "at" < $as_of AND NOT coalesce(by_machine, FALSE)
)
SELECT
    customer_id,
    count(*) FILTER (WHERE recent AND kind = 'sent') AS sends,
    count(*) FILTER (WHERE recent AND kind = 'opened') AS opens,
    count(*) FILTER (WHERE recent AND kind = 'clicked') AS clicks,
    count(DISTINCT CASE WHEN recent AND is_visit THEN day END) AS visits,
    max(CASE WHEN kind = 'sent' THEN day END) AS last_sent_on
FROM known
GROUP BY customer_id;
