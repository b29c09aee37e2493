-- Grain:   one row a currency other than the account's, and what became of its orders.
-- Input:   stated_orders, conversions (converted_orders.sql); rates; {account_currency}, as a literal; $carried_days
-- Output:  currency, outcome (converted, or why not), orders, carried (converted by a rate more than $carried_days days
--          older than the order), by currency and outcome
WITH quoted AS (
    SELECT DISTINCT currency, base FROM rates
    UNION
    SELECT DISTINCT base AS currency, base FROM rates
),
reachable AS (
    SELECT DISTINCT own.currency
    FROM quoted AS own
    INNER JOIN quoted AS account ON own.base = account.base
    WHERE account.currency = {account_currency}
),
days AS (
    SELECT
        currency,
        CAST(ordered_at AS DATE) AS day,
        abs(amount_minor) AS amount_minor
    FROM stated_orders
    WHERE currency <> {account_currency}
),
judged AS (
    SELECT
        days.currency,
        CASE
            WHEN days.currency = 'XXX' THEN 'no currency'
            WHEN reachable.currency IS NULL THEN 'no rates'
            WHEN conversions.day IS NULL THEN 'before the first rate'
            WHEN days.amount_minor * conversions.multiplier >= 1000000000000000 * conversions.divisor THEN 'out of range'
            ELSE 'converted'
        END AS outcome,
        CASE WHEN datediff('day', conversions.rate_day, days.day) > $carried_days THEN 1 ELSE 0 END AS is_carried
    FROM days
    LEFT JOIN reachable ON days.currency = reachable.currency
    LEFT JOIN conversions ON days.currency = conversions.currency AND days.day = conversions.day
)
SELECT
    currency,
    outcome,
    count(*) AS orders,
    sum(CASE WHEN outcome = 'converted' THEN is_carried ELSE 0 END) AS carried
FROM judged
GROUP BY currency, outcome
ORDER BY currency ASC NULLS LAST, outcome ASC NULLS LAST;
