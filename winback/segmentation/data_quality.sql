-- Grain:   one row.
-- Input:   facts (winback/features/contract.py).
-- Output:  how many customers with a purchase there are, and for how many of them something is not known. Everything is read
--          from the facts: the orders are not looked at again.
SELECT
    count(*) AS customers,
    coalesce(sum(orders), 0) AS orders,
    coalesce(sum(CASE WHEN lines_per_order IS NULL THEN 1 ELSE 0 END), 0) AS without_lines,
    coalesce(sum(CASE WHEN lines_per_order IS NOT NULL AND categories IS NULL THEN 1 ELSE 0 END), 0)
        AS lines_without_category,
    coalesce(sum(CASE WHEN margin_minor IS NULL THEN 1 ELSE 0 END), 0) AS without_cost,
    coalesce(sum(CASE WHEN discounted_orders IS NULL THEN 1 ELSE 0 END), 0) AS without_discounts,
    coalesce(sum(CASE WHEN returns_minor > 0 THEN 1 ELSE 0 END), 0) AS with_returns,
    coalesce(sum(CASE WHEN email_consent = 'unknown' THEN 1 ELSE 0 END), 0) AS without_email_consent,
    coalesce(sum(CASE WHEN sms_consent = 'unknown' AND push_consent = 'unknown' THEN 1 ELSE 0 END), 0)
        AS without_other_consent,
    coalesce(sum(CASE WHEN acquisition_channel IS NULL THEN 1 ELSE 0 END), 0) AS without_acquisition_channel,
    coalesce(sum(CASE WHEN engagement IS NULL THEN 1 ELSE 0 END), 0) AS without_engagement,
    coalesce(sum(CASE WHEN visits_182_days = 0 THEN 1 ELSE 0 END), 0) AS without_visits,
    coalesce(sum(
        CASE
            WHEN first_purchase_at = date_trunc('day', first_purchase_at)
                AND last_purchase_at = date_trunc('day', last_purchase_at) THEN 1
            ELSE 0
        END
    ), 0) AS at_midnight,
    coalesce(max(tenure_days), 0) AS history_days
FROM facts
WHERE purchases > 0
