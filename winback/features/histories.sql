-- Grain:   one row a customer with at least one order before $as_of.
-- Input:   orders (customer_id, ordered_at timestamp in UTC, amount_minor, and where known discount_minor, cost_minor, lines);
--          $as_of timestamp. {…} are the expressions of winback/features/statements.py.
-- Output:  table histories: what the orders say without regard to how long before $as_of they were, so that it stays true
--          until the customer orders again; of the purchase days only recent_days, which a window of 182 days before this or
--          any later moment may need. facts.sql adds what depends on the moment and on the account's rhythm.
--
-- An order of amount >= 0 is a purchase, and those of one day are one purchase. So the purchases are the different
-- days of a customer's sorted list of purchase days: one hash aggregation, no second grouping by day, no window.
-- The aggregation's memory is what a refresh of many orders waits for, so each order is one whole number in that list,
-- its day with two flags, rather than several aggregates a customer.
-- Days count from 0001-01-01. Logarithms are whole micro-units, so that sums are exact in any order.
-- Of lists, an index and the position of a lambda always start alike, from 1 here and from 0 on Spark: neither is compared
-- with a number.
CREATE OR REPLACE TABLE histories AS
WITH known AS ( -- what is asked of each order
    SELECT
        customer_id,
        ordered_at,
        amount_minor,
        (
            4 * datediff('day', DATE '0001-01-01', ordered_at::DATE)
            + CASE WHEN {premium} THEN 2 ELSE 0 END
            + CASE WHEN {discounted} THEN 1 ELSE 0 END
        )::INTEGER AS code,
        {cost_minor} AS cost_minor,
        {line_count} AS line_count,
        {of_trend_category} AS of_trend_category
    FROM orders
    WHERE ordered_at < $as_of
),
customers AS (
    SELECT
        customer_id,
        count(*) AS orders,
        coalesce(sum(amount_minor) FILTER (WHERE amount_minor >= 0), 0)::BIGINT AS gross_minor,
        coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)::BIGINT AS returns_minor,
        min(ordered_at) FILTER (WHERE amount_minor >= 0) AS first_purchase_at,
        max(ordered_at) FILTER (WHERE amount_minor >= 0) AS last_purchase_at,
        list_sort(list(code) FILTER (WHERE amount_minor >= 0)) AS codes,
        {margin_minor} AS margin_minor,
        {costed_net_minor} AS costed_net_minor,
        {orders_with_lines} AS orders_with_lines,
        {lines} AS lines,
        {only_category} AS only_category
    FROM known
    GROUP BY customer_id
),
gaps AS ( -- days between orders of different days
    SELECT
        *,
        list_filter(
            list_transform(
                list_slice(codes, 2, array_length(codes)), lambda code, position: code // 4 - codes[position] // 4
            ),
            lambda gap: gap > 0
        ) AS gaps,
        list_filter(codes, lambda code: code % 4 >= 2) AS premium_codes,
        {discounted_codes} AS discounted_codes,
        CASE -- most customers have none: their codes need not be looked at
            WHEN codes[array_length(codes)] // 4 >= datediff('day', DATE '0001-01-01', $as_of::DATE) - 182
            THEN list_filter(codes, lambda code: code // 4 >= datediff('day', DATE '0001-01-01', $as_of::DATE) - 182)
        END AS recent_codes,
        array_length(codes) >= 4 AND codes[array_length(codes)] // 4 - codes[1] // 4 >= 365 AS has_years
    FROM customers
),
days AS ( -- each once
    SELECT
        *,
        list_transform(gaps, lambda gap: round(ln(gap) * 1000000)::BIGINT) AS gap_logs,
        list_sort(gaps) AS sorted_gaps,
        list_concat(
            list_slice(recent_codes, 1, 1),
            list_filter(
                list_slice(recent_codes, 2, array_length(recent_codes)),
                lambda code, position: code // 4 <> recent_codes[position] // 4
            )
        ) AS recent_days,
        CASE WHEN has_years AND array_length(gaps) >= 3 THEN list_concat(
            list_slice(codes, 1, 1),
            list_filter(
                list_slice(codes, 2, array_length(codes)),
                lambda code, position: code // 4 <> codes[position] // 4
            )
        ) END AS days
    FROM gaps
),
months AS ( -- since January of the year 1
    SELECT
        *,
        list_transform(days, lambda code: datediff('month', DATE '0001-01-01', DATE '0001-01-01' + code // 4)) AS months
    FROM days
),
packed AS ( -- purchases by month of the year, ten bits each: 1,023 days of one month are 33 years of them
    SELECT
        *,
        list_sum(list_transform(
            months, lambda month: CASE WHEN month % 12 < 6 THEN 1::BIGINT << (10 * (month % 12))::INTEGER ELSE 0 END
        ))::BIGINT AS first_half,
        list_sum(list_transform(
            months, lambda month: CASE WHEN month % 12 >= 6 THEN 1::BIGINT << (10 * (month % 12 - 6))::INTEGER ELSE 0 END
        ))::BIGINT AS second_half
    FROM months
),
counted AS (
    SELECT
        *,
        first_half & 1023 AS january,
        (first_half >> 10) & 1023 AS february,
        (first_half >> 20) & 1023 AS march,
        (first_half >> 30) & 1023 AS april,
        (first_half >> 40) & 1023 AS may,
        (first_half >> 50) & 1023 AS june,
        second_half & 1023 AS july,
        (second_half >> 10) & 1023 AS august,
        (second_half >> 20) & 1023 AS september,
        (second_half >> 30) & 1023 AS october,
        (second_half >> 40) & 1023 AS november,
        (second_half >> 50) & 1023 AS december
    FROM packed
),
densest AS (
    SELECT
        *,
        greatest(
            january + february + march, february + march + april, march + april + may, april + may + june,
            may + june + july, june + july + august, july + august + september, august + september + october,
            september + october + november, october + november + december, november + december + january,
            december + january + february
        ) AS season_purchases
    FROM counted
),
seasons AS ( -- the earliest in the year, where several are equally dense
    SELECT
        *,
        CASE season_purchases
            WHEN january + february + march THEN 1
            WHEN february + march + april THEN 2
            WHEN march + april + may THEN 3
            WHEN april + may + june THEN 4
            WHEN may + june + july THEN 5
            WHEN june + july + august THEN 6
            WHEN july + august + september THEN 7
            WHEN august + september + october THEN 8
            WHEN september + october + november THEN 9
            WHEN october + november + december THEN 10
            WHEN november + december + january THEN 11
            WHEN december + january + february THEN 12
        END AS season_month
    FROM densest
)
SELECT
    seasons.customer_id,
    orders,
    coalesce(array_length(codes), 0)::BIGINT AS purchase_orders,
    gross_minor,
    returns_minor,
    margin_minor,
    costed_net_minor,
    first_purchase_at,
    last_purchase_at,
    coalesce(list_transform(recent_days, lambda code: code // 4), []::INTEGER[]) AS recent_days,
    CASE WHEN codes IS NULL THEN 0 ELSE array_length(gaps) + 1 END::INTEGER AS purchases,
    coalesce(array_length(gaps), 0)::INTEGER AS gap_count,
    coalesce(list_sum(gap_logs), 0)::BIGINT AS gap_log_micros,
    coalesce(list_sum(list_transform(gap_logs, lambda gap: gap * gap)), 0)::BIGINT AS gap_log_square_micros,
    sorted_gaps[(array_length(sorted_gaps) + 1) // 2]::INTEGER AS median_gap_days,
    season_month::INTEGER AS season_month,
    season_purchases::INTEGER AS season_purchases,
    array_length(list_distinct(list_transform(
        list_filter(months, lambda month: (month - season_month + 1) % 12 < 3),
        lambda month: (month - season_month + 1) // 12
    )))::INTEGER AS season_years,
    coalesce(array_length(discounted_codes), 0)::BIGINT AS discounted_orders,
    coalesce(list_min(discounted_codes) // 4 = list_min(codes) // 4, FALSE) AS first_day_discounted,
    coalesce(array_length(premium_codes), 0)::BIGINT AS premium_orders,
    list_max(premium_codes) // 4 AS last_premium_day,
    orders_with_lines,
    lines,
    {category_count} AS categories,
    only_category
FROM {seasons};
