-- Grain:   one row a customer with at least one order before $as_of.
-- Input:   orders (order_id, customer_id, ordered_at timestamp in UTC, amount_minor, discount_minor, lines); $as_of timestamp
-- Output:  what the orders alone say; the lapse threshold is added by facts.sql once the account's rhythm is known.
--
-- An order of amount >= 0 is a purchase, and those of one day are one purchase. So the purchases are the different
-- days of a customer's sorted list of purchase days: one hash aggregation, no second grouping by day, no window.
CREATE OR REPLACE TEMP TABLE histories AS
WITH customers AS (
    SELECT
        customer_id,
        count(*) AS orders,
        coalesce(sum(amount_minor) FILTER (amount_minor >= 0), 0)::BIGINT AS gross_minor,
        coalesce(-sum(amount_minor) FILTER (amount_minor < 0), 0)::BIGINT AS returns_minor,
        min(ordered_at) FILTER (amount_minor >= 0) AS first_purchase_at,
        max(ordered_at) FILTER (amount_minor >= 0) AS last_purchase_at,
        list_sort(list(datediff('day', DATE '1970-01-01', ordered_at::DATE)::INTEGER) FILTER (amount_minor >= 0)) AS orders_on,
        {only_category} AS only_category
    FROM orders
    WHERE ordered_at < $as_of
    GROUP BY customer_id
),
purchases AS ( -- day numbers, each once, ascending
    SELECT
        * EXCLUDE (orders_on),
        list_filter(orders_on, lambda day, position: day IS DISTINCT FROM orders_on[position - 1]) AS days,
        datediff('day', DATE '1970-01-01', $as_of::DATE)::INTEGER AS today
    FROM customers
),
gaps AS ( -- logarithm of each gap in days; in the list without its first day, position is that of the day before
    SELECT
        *,
        list_transform(days[2:], lambda day, position: ln(day - days[position])) AS gap_logs
    FROM purchases
)
SELECT
    * EXCLUDE (days, gap_logs, today),
    coalesce(len(days), 0)::INTEGER AS purchases,
    coalesce(len(gap_logs), 0)::INTEGER AS gap_count,
    coalesce(list_sum(gap_logs), 0)::DOUBLE AS gap_log_sum,
    coalesce(list_dot_product(gap_logs, gap_logs), 0)::DOUBLE AS gap_log_squares,
    coalesce(len(list_filter(days, lambda day: day >= today - 91)), 0)::INTEGER AS purchases_last_91_days,
    coalesce(len(list_filter(days, lambda day: day >= today - 182)), 0)::INTEGER AS purchases_last_182_days
FROM gaps;
