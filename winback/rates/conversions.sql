-- Grain:   one row a currency and day for which there is a rate into the account's currency.
-- Input:   {days}(currency, day): the days of orders in other currencies; {rates}(day, currency, base, rate): units of
--          currency for one of base; currency_units(currency, units): how many minor units a unit has;
--          {account_currency}, as a literal
-- Output:  table {conversions}(currency, day, multiplier, half, divisor, rate_day): an amount of a minor units in currency is
--          (a * multiplier + half) / divisor, rounded down, in minor units of the account's currency, which is
--          a * (rate of the account's currency * its units) / (rate of currency * its units) rounded half up; exact, in
--          integers. rate_day is the older of the two rates' days.
--
-- Both legs are quoted for one unit of a common base, and a base costs one of itself. Each leg is the day's or, where that
-- is missing, the last earlier. Of several bases the one of the latest rates counts, then the account's own (a rate that
-- is quoted directly), then the order's, then the first by name.
CREATE OR REPLACE TEMP TABLE {conversions} AS
WITH bases AS (
    SELECT DISTINCT base FROM {rates} AS rates
),
legs_wanted AS (
    SELECT currency, day FROM {days} AS foreign_days
    UNION
    SELECT {account_currency} AS currency, day FROM {days} AS foreign_days
),
asked AS (
    SELECT legs_wanted.currency, bases.base, legs_wanted.day
    FROM legs_wanted
    CROSS JOIN bases
),
timeline AS (
    SELECT currency, base, day, CAST(NULL AS DATE) AS quoted_on, TRUE AS is_asked FROM asked
    UNION ALL
    SELECT currency, base, day, day AS quoted_on, FALSE AS is_asked
    FROM {rates} AS rates
    WHERE currency IN (SELECT legs_wanted.currency FROM legs_wanted)
),
carried AS (
    SELECT
        currency,
        base,
        day,
        is_asked,
        max(quoted_on) OVER (
            PARTITION BY currency, base ORDER BY day RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS rate_day
    FROM timeline
),
legs AS (
    SELECT carried.currency, carried.base, carried.day, carried.rate_day, rates.rate
    FROM carried
    INNER JOIN {rates} AS rates
        ON carried.currency = rates.currency AND carried.base = rates.base AND carried.rate_day = rates.day
    WHERE carried.is_asked
    UNION ALL
    SELECT currency, base, day, day AS rate_day, CAST(1 AS DECIMAL(18, 9)) AS rate
    FROM asked
    WHERE currency = base
),
routes AS (
    SELECT
        foreign_days.currency,
        foreign_days.day,
        order_leg.base,
        least(order_leg.rate_day, account_leg.rate_day) AS rate_day,
        CAST(CAST(order_leg.rate AS DECIMAL(28, 9)) * 1000000000 AS HUGEINT) * order_units.units AS order_value,
        CAST(CAST(account_leg.rate AS DECIMAL(28, 9)) * 1000000000 AS HUGEINT) * account_units.units AS account_value
    FROM {days} AS foreign_days
    INNER JOIN legs AS order_leg
        ON foreign_days.currency = order_leg.currency AND foreign_days.day = order_leg.day
    INNER JOIN legs AS account_leg
        ON order_leg.base = account_leg.base AND order_leg.day = account_leg.day
    INNER JOIN currency_units AS order_units ON foreign_days.currency = order_units.currency
    INNER JOIN currency_units AS account_units ON account_leg.currency = account_units.currency
    WHERE account_leg.currency = {account_currency}
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY currency, day
            ORDER BY
                rate_day DESC NULLS LAST,
                CASE base WHEN {account_currency} THEN 0 WHEN currency THEN 1 ELSE 2 END ASC NULLS LAST,
                base ASC NULLS LAST
        ) AS rank
    FROM routes
)
SELECT
    currency,
    day,
    account_value * 2 AS multiplier,
    order_value AS half,
    order_value * 2 AS divisor,
    rate_day
FROM ranked
WHERE rank = 1;
