-- Grain:   one row a customer of `segmented`.
-- Input:   segmented (segments.sql), thresholds (thresholds.sql)
-- Output:  view overlaid: segmented, and premium_tier, discount_tier, breadth_tier, engagement_tier, none of them null.
--          The first rule that matches decides. What the store does not send counts as `none`, `never` or `n/a`.
CREATE OR REPLACE TEMP VIEW overlaid AS
SELECT
    segmented.*,
    CASE
        WHEN coalesce(premium_orders, 0) = 0 THEN 'none'
        -- Longer ago than the customer's own rhythm allows, as of the same moment as the silence.
        WHEN silence_days + datediff('day', last_premium_at::DATE, last_purchase_at::DATE) > lapse_days THEN 'lapsed'
        WHEN floor(CAST(premium_orders AS DOUBLE) * 1000 / purchase_orders) >= premium_active_permille THEN 'active'
        ELSE 'mixed'
    END AS premium_tier,
    CASE
        WHEN coalesce(discounted_orders, 0) = 0 THEN 'never'
        WHEN discounted_orders = 1 AND first_order_discounted THEN 'acquisition one-shot'
        WHEN
            discounted_orders >= repeat_discount_orders
            AND floor(CAST(discounted_orders AS DOUBLE) * 1000 / purchase_orders) >= repeat_discount_permille
            THEN 'repeat'
        ELSE 'occasional'
    END AS discount_tier,
    CASE
        WHEN categories IS NULL OR purchases = 1 THEN 'n/a'
        WHEN categories >= wide_categories THEN 'wide'
        ELSE 'narrow'
    END AS breadth_tier,
    CASE
        WHEN engagement IS NULL THEN 'n/a'
        WHEN round(engagement * 1000000) <= engagement_1 THEN 'very low'
        WHEN round(engagement * 1000000) <= engagement_2 THEN 'low'
        WHEN round(engagement * 1000000) <= engagement_3 THEN 'middle'
        WHEN round(engagement * 1000000) <= engagement_4 THEN 'high'
        ELSE 'very high'
    END AS engagement_tier
FROM segmented
CROSS JOIN thresholds;
