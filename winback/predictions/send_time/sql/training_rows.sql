-- Grain:   one row an event of at most $customers customers, chosen by their key.
-- Inputs:  send_events; segments (customer_id, segment) as of $cut; $account_id, $cut timestamp, $most: newest events of a kind
--          that count before the cut.
-- Output:  table training_rows (in_test, account, customer, segment, kind, hour, weeks_ago, weight): `customer` is a number without
--          meaning; weeks before the cut, negative after it. Only customers with an event before the cut.
CREATE OR REPLACE TEMP TABLE training_rows AS
WITH ranked AS (
    SELECT
        *,
        "at" >= $cut AS in_test,
        row_number() OVER (PARTITION BY customer_id, kind, "at" >= $cut ORDER BY "at" DESC, hour) AS newest
    FROM send_events
),
chosen AS (
    SELECT customer_id, row_number() OVER (ORDER BY md5(customer_id)) AS customer
    FROM send_events
    WHERE "at" < $cut
    GROUP BY customer_id
    ORDER BY customer
    LIMIT $customers
)
SELECT
    ranked.in_test,
    $account_id AS account,
    chosen.customer,
    segments.segment,
    ranked.kind,
    ranked.hour,
    round((epoch($cut) - epoch(ranked."at")) / 604800.0, 3) AS weeks_ago,
    round(ranked.weight, 4) AS weight
FROM ranked
INNER JOIN chosen ON ranked.customer_id = chosen.customer_id
LEFT JOIN segments ON ranked.customer_id = segments.customer_id
WHERE ranked.newest <= $most
ORDER BY chosen.customer, ranked."at", ranked.kind;
