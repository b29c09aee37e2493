-- Grain:   one row a customer and recommended item, at most $most a customer.
-- Input:   ranking (the columns of candidates.sql and place, the least first); item_statistics; due_factors (due_band, factor); $as_of; $not_due_below.
-- Output:  a relation (customer_id, rank, item, product, kind, score, purchases, last_bought_on, days_since, usual_days,
--          due_on, due_from, due_until, due, with_item, lift, segment_share), rank from 1. due is not_due_yet, due or
--          overdue; an item that was bought once, and that most buyers buy once, has no due date.
--
-- What is not due yet is left out where the account's customers hardly buy so early ($not_due_below).
SELECT
    customer_id,
    row_number() OVER (PARTITION BY customer_id ORDER BY place, item) AS rank,
    item,
    product,
    kind,
    round(score, 6) AS score,
    purchases,
    last_day AS last_bought_on,
    datediff('day', last_day, $as_of::DATE) AS days_since,
    CASE WHEN dated THEN greatest(round(usual_days), 1)::INTEGER END AS usual_days,
    CASE WHEN dated THEN last_day + greatest(round(usual_days), 1)::INTEGER END AS due_on,
    CASE WHEN dated THEN last_day + round(due_low_days)::INTEGER END AS due_from,
    CASE WHEN dated THEN last_day + round(due_high_days)::INTEGER END AS due_until,
    CASE
        WHEN NOT dated THEN NULL
        WHEN datediff('day', last_day, $as_of::DATE) < due_low_days THEN 'not_due_yet'
        WHEN datediff('day', last_day, $as_of::DATE) <= due_high_days THEN 'due'
        ELSE 'overdue'
    END AS due,
    with_item,
    round(lift, 3) AS lift,
    round(share, 4) AS segment_share
FROM (
    SELECT
        ranking.*,
        kind = 'repeat' AND (ranking.purchases > 1 OR item_statistics.repeaters * 2 >= item_statistics.buyers) AS dated
    FROM ranking
    JOIN item_statistics USING (item)
    LEFT JOIN due_factors USING (due_band)
    WHERE NOT coalesce(due_band < 2 AND factor < $not_due_below, FALSE)
)
QUALIFY rank <= $most
