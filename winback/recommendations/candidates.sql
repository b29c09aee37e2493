-- Grain:   one row a customer and item that the customer may buy next.
-- Input:   item_histories of the customers at hand; account_rhythm, item_statistics, segment_items, item_partners of the
--          account; due_factors (due_band, factor); segments_now; $as_of timestamp; $strength: so many order days the
--          item's own rate counts beside the customer's; $gap_strength: likewise gaps; $own: beside how many of a
--          customer's items new ones are looked for; $popular: how many of a segment's are new ones too, and how many new
--          ones are kept.
-- Output:  table candidates (customer_id, item, product, kind, score, purchases, last_day, usual_days, due_low_days,
--          due_high_days, due_band, base, with_item, lift, share): kind is repeat, together or popular; score the
--          probability that the customer's next order has the item; base the same before the due factor.
--
-- Bought before: posterior mean of a beta-binomial with mean repeat_rate and $strength order days, times how the account's
-- customers deviate from that by how long ago they bought it, in units of the usual time (due_band).
-- Usual time: mean log gap of the customer in the item, shrunk to the item's. Not bought before: the item's first_rate, times
-- how much likelier the segment is to have it, times the mean lift of the customer's likeliest items.
CREATE OR REPLACE TEMP TABLE candidates AS
WITH rhythms AS (
    SELECT
        item_histories.*,
        item_statistics.repeat_rate,
        datediff('day', last_day, $as_of::DATE) AS silence_days,
        exp(
            (gap_log_sum + $gap_strength * item_statistics.gap_log_mean) / (gap_count + $gap_strength)
        ) AS usual_days,
        exp(gap_log_spread * sqrt(1 + 1 / (gap_count + $gap_strength)::DOUBLE)) AS spread
    FROM item_histories
    JOIN item_statistics USING (item)
    CROSS JOIN account_rhythm
),
bands AS (
    SELECT
        *,
        CASE
            WHEN silence_days < usual_days / 4 THEN 0
            WHEN silence_days < usual_days / 2 THEN 1
            WHEN silence_days < usual_days THEN 2
            WHEN silence_days < usual_days * 2 THEN 3
            ELSE 4
        END AS due_band,
        (weight + $strength * repeat_rate) / (weight_after + $strength) AS base
    FROM rhythms
),
repeats AS MATERIALIZED (
    SELECT *, base * factor AS score
    FROM bands
    JOIN due_factors USING (due_band)
),
likeliest AS (
    SELECT customer_id, item
    FROM repeats
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY base DESC, item) <= $own
),
beside AS (
    SELECT
        likeliest.customer_id,
        item_partners.other AS item,
        1 + sum(item_partners.lift - 1) / $own AS lift,
        arg_max(likeliest.item, (item_partners.lift, likeliest.item)) AS with_item
    FROM likeliest
    JOIN item_partners USING (item)
    GROUP BY likeliest.customer_id, item_partners.other
),
in_segment AS (
    SELECT segment, item
    FROM segment_items
    JOIN item_statistics USING (item)
    QUALIFY row_number() OVER (PARTITION BY segment ORDER BY first_rate * likeness DESC, item) <= $popular
),
new_items AS (
    SELECT customer_id, item, lift, with_item
    FROM beside
    UNION ALL
    SELECT segments_now.customer_id, in_segment.item, 1, NULL
    FROM segments_now
    JOIN in_segment USING (segment)
    SEMI JOIN item_histories ON segments_now.customer_id = item_histories.customer_id
),
likelier AS (
    SELECT customer_id, item, max(lift) AS lift, arg_max(with_item, lift) AS with_item
    FROM new_items
    ANTI JOIN item_histories USING (customer_id, item)
    GROUP BY customer_id, item
),
firsts AS (
    SELECT
        likelier.*,
        item_statistics.product,
        segment_items.share,
        item_statistics.first_rate * coalesce(segment_items.likeness, 1) * likelier.lift AS score
    FROM likelier
    JOIN item_statistics USING (item)
    JOIN segments_now ON likelier.customer_id = segments_now.customer_id
    LEFT JOIN segment_items ON segments_now.segment = segment_items.segment AND likelier.item = segment_items.item
    QUALIFY row_number() OVER (PARTITION BY likelier.customer_id ORDER BY score DESC, likelier.item) <= $popular
)
SELECT
    customer_id,
    item,
    product,
    'repeat' AS kind,
    score,
    purchases,
    last_day,
    usual_days,
    usual_days / spread AS due_low_days,
    usual_days * spread AS due_high_days,
    due_band,
    base,
    NULL::VARCHAR AS with_item,
    NULL::DOUBLE AS lift,
    NULL::DOUBLE AS share
FROM repeats
UNION ALL
SELECT
    customer_id,
    item,
    product,
    CASE WHEN with_item IS NULL THEN 'popular' ELSE 'together' END AS kind,
    score,
    0 AS purchases,
    NULL AS last_day,
    NULL AS usual_days,
    NULL AS due_low_days,
    NULL AS due_high_days,
    NULL AS due_band,
    score AS base,
    with_item,
    CASE WHEN with_item IS NOT NULL THEN lift END AS lift,
    share
FROM firsts;
