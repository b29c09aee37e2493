-- The content of an order as one text, and its fingerprint: what tells a repeated order from a changed one. It is only
-- ever compared within one order_id, so 64 bits of a fast hash are plenty.
-- winback/orders computes the same in Python. The separators are control characters, which no field may contain.
-- A missing cost adds nothing (concat skips NULL), so that what has none keeps the fingerprint of before costs were taken; nor
-- do codes where there are none, whether that was said or not.
CREATE OR REPLACE TEMP MACRO line_text(sku, category, quantity, price_minor, cost_minor) AS
concat(
    coalesce(sku, ''), chr(30), coalesce(category, ''), chr(30), coalesce(CAST(quantity AS VARCHAR), ''), chr(30), price_minor,
    chr(30) || cost_minor
);

CREATE OR REPLACE TEMP MACRO order_fingerprint(
    order_id, customer_id, ordered_at, amount_minor, currency, discount_minor, cost_minor, lines_text, codes
) AS
substr(
    md5(
        concat(
            order_id, chr(31), customer_id, chr(31), epoch_ms(ordered_at) // 1000, chr(31), amount_minor, chr(31), currency,
            chr(31), coalesce(CAST(discount_minor AS VARCHAR), ''), chr(31), lines_text,
            chr(31) || cost_minor,
            CASE WHEN len(codes) > 0 THEN chr(28) || array_to_string(codes, chr(30)) END
        )
    ),
    1, 16
);
