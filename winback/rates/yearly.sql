-- Grain:   yearly_rates: one row a year, currency and base; year_days: one row a year and currency; checked_days: one row a
--          day and currency.
-- Input:   rates(day, currency, base, rate), foreign_days(currency, day) (conversions.sql); {account_currency}, as a literal
-- Output:  yearly_rates(day, currency, base, rate): on the first of January the mean of the year's quotes, rounded half up
--          to nine decimals; year_days(currency, day): those first days of the orders' years; checked_days(currency, day):
--          the orders' days, and all days of their years that have a quote of the currency or of the account's.
CREATE OR REPLACE TEMP TABLE yearly_rates AS
WITH sums AS ( -- in parts of 10^9, integers
    SELECT
        CAST(date_trunc('year', day) AS DATE) AS day,
        currency,
        base,
        sum(CAST(CAST(rate AS DECIMAL(28, 9)) * 1000000000 AS HUGEINT)) AS total,
        count(*) AS quotes
    FROM rates
    GROUP BY CAST(date_trunc('year', day) AS DATE), currency, base
)
SELECT
    day,
    currency,
    base,
    CAST(
        CAST((total * 2 + quotes) // (2 * quotes) AS DECIMAL(28, 0)) * CAST(0.000000001 AS DECIMAL(10, 9))
        AS DECIMAL(18, 9)
    ) AS rate
FROM sums;

CREATE OR REPLACE TEMP TABLE year_days AS
SELECT DISTINCT
    currency,
    CAST(date_trunc('year', day) AS DATE) AS day
FROM foreign_days;

CREATE OR REPLACE TEMP TABLE checked_days AS
SELECT currency, day FROM foreign_days
UNION
SELECT
    year_days.currency,
    rates.day
FROM year_days
INNER JOIN rates ON CAST(date_trunc('year', rates.day) AS DATE) = year_days.day
WHERE
    rates.currency IN (year_days.currency, {account_currency})
    OR rates.base IN (year_days.currency, {account_currency});
