-- Grain:   one row an offer of the launch that has codes (table redemptions).
-- Input:   arrivals; audience; orders (every stored version of every order); coded_offers (offer_id, single_use: each code is
--          one customer's, valid_until, valid_days); shop_days (day of the account's zone, starts_at: its first moment, UTC) from
--          before the launch to after $observed_until; $assigned_at, $observed_until timestamps in UTC; $currency of the account
-- Output:  given_codes: who was given which code, and when it counts. code_uses: an order and a code of the launch that it
--          names. counted_uses: of them those that count, so that each code does once, and a shared one once a customer.
--
-- Codes are compared without regard to case: shops write them as they like.
CREATE OR REPLACE TABLE given_codes AS
WITH given AS (
    SELECT
        offer_id,
        customer_key,
        upper(code) AS code,
        min(coalesce(accepted_at, claimed_at)) AS given_at,
        bool_or(arrived) AS delivered
    FROM arrivals SEMI JOIN coded_offers USING (offer_id)
    WHERE arm = 'treatment' AND attempted AND code IS NOT NULL AND outcome NOT IN ('failed', 'due')
    GROUP BY ALL
),
dated AS (
    SELECT
        given.*,
        least(coded_offers.valid_until, shop_days.day + coded_offers.valid_days) AS last_day,
        -- Nobody has a single-use code before it is given; whoever bought with a shared one before that day had it elsewhere.
        CASE WHEN NOT coded_offers.single_use THEN shop_days.starts_at END AS starts_at
    FROM given
    JOIN coded_offers USING (offer_id)
    ASOF LEFT JOIN shop_days ON given.given_at >= shop_days.starts_at
)
SELECT dated.*, day_after.starts_at AS ends_at
FROM dated LEFT JOIN shop_days AS day_after ON day_after.day = dated.last_day + 1;

-- The latest version of an order counts, by (received_at, fingerprint); its codes are those of the latest that states any: a
-- file without that column takes none away.
CREATE OR REPLACE TABLE code_uses AS
WITH codes AS (
    SELECT code, min(offer_id) AS offer_id FROM given_codes GROUP BY code
),
touched AS (
    SELECT DISTINCT order_id
    FROM (
        SELECT order_id, unnest(discount_codes) AS code
        FROM orders
        WHERE ordered_at >= $assigned_at AND ordered_at < $observed_until
    ) AS named
    SEMI JOIN codes ON upper(named.code) = codes.code
),
latest AS (
    SELECT
        order_id,
        arg_max(
            {
                'customer_key': customer_key,
                'ordered_at': ordered_at,
                'amount_minor': amount_minor,
                'discount_minor': CASE WHEN currency = $currency THEN discount_minor END
            },
            {'received_at': received_at, 'fingerprint': fingerprint}
        ) AS stated,
        arg_max(discount_codes, {'received_at': received_at, 'fingerprint': fingerprint})
            FILTER (discount_codes IS NOT NULL) AS discount_codes
    FROM orders SEMI JOIN touched USING (order_id)
    GROUP BY order_id
),
named AS (
    SELECT
        order_id,
        unnest(stated),
        unnest(list_distinct(list_transform(discount_codes, lambda code: upper(code)))) AS code
    FROM latest
    WHERE stated.amount_minor >= 0 AND stated.ordered_at >= $assigned_at AND stated.ordered_at < $observed_until
)
SELECT
    named.order_id,
    named.code,
    named.customer_key,
    named.ordered_at,
    named.discount_minor,
    coalesce(own.offer_id, codes.offer_id) AS offer_id,
    coalesce(own.delivered, false) AS delivered,
    CASE
        WHEN own.code IS NOT NULL AND coalesce(named.ordered_at >= own.starts_at, true)
            AND coalesce(named.ordered_at < own.ends_at, true) THEN 'redeemed'
        WHEN own.code IS NOT NULL THEN 'outside_days'
        WHEN audience.arm = 'holdout' THEN 'held_out'
        ELSE 'others'
    END AS used_as
FROM named
JOIN codes USING (code)
LEFT JOIN given_codes AS own ON own.code = named.code AND own.customer_key = named.customer_key
LEFT JOIN audience ON audience.customer_key = named.customer_key
QUALIFY row_number() OVER (PARTITION BY named.order_id, named.code ORDER BY own.offer_id) = 1;

CREATE OR REPLACE TABLE counted_uses AS
SELECT code_uses.*
FROM code_uses JOIN coded_offers USING (offer_id)
QUALIFY row_number() OVER (
    PARTITION BY offer_id, code, CASE WHEN NOT single_use THEN customer_key END
    ORDER BY list_position(['redeemed', 'outside_days', 'held_out', 'others'], used_as), ordered_at, order_id
) = 1;

CREATE OR REPLACE TABLE redemptions AS
WITH given AS (
    SELECT
        offer_id,
        count(DISTINCT customer_key) AS customers,
        count(DISTINCT customer_key) FILTER (delivered) AS delivered,
        count(DISTINCT customer_key) FILTER (coalesce(ends_at > $observed_until, true) AND redeemed.code IS NULL) AS still_valid
    FROM given_codes
    LEFT JOIN (SELECT DISTINCT offer_id, customer_key, code FROM counted_uses WHERE used_as = 'redeemed') AS redeemed
        USING (offer_id, customer_key, code)
    GROUP BY offer_id
),
counted AS (
    SELECT
        offer_id,
        count(*) FILTER (used_as = 'redeemed') AS redeemed,
        count(DISTINCT customer_key) FILTER (used_as = 'redeemed' AND delivered) AS redeemed_of_delivered,
        count(*) FILTER (used_as = 'outside_days') AS outside_days,
        count(*) FILTER (used_as = 'held_out') AS by_held_out,
        count(*) FILTER (used_as = 'others') AS by_others
    FROM counted_uses
    GROUP BY offer_id
),
-- An order that names codes of two offers has one discount: it counts with one of them.
redeeming AS (
    SELECT offer_id, discount_minor
    FROM code_uses
    WHERE used_as = 'redeemed'
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY offer_id, code) = 1
),
spent AS (
    SELECT
        offer_id,
        count(*) AS orders,
        coalesce(sum(discount_minor), 0)::BIGINT AS discount_minor,
        count(*) FILTER (discount_minor IS NULL) AS discount_unknown
    FROM redeeming
    GROUP BY offer_id
)
SELECT
    offer_id,
    coalesce(customers, 0) AS customers,
    coalesce(delivered, 0) AS delivered,
    coalesce(redeemed, 0) AS redeemed,
    coalesce(redeemed_of_delivered, 0) AS redeemed_of_delivered,
    coalesce(orders, 0) AS orders,
    coalesce(discount_minor, 0) AS discount_minor,
    coalesce(discount_unknown, 0) AS discount_unknown,
    coalesce(still_valid, 0) AS still_valid,
    coalesce(outside_days, 0) AS outside_days,
    coalesce(by_held_out, 0) AS by_held_out,
    coalesce(by_others, 0) AS by_others
FROM coded_offers
LEFT JOIN given USING (offer_id)
LEFT JOIN counted USING (offer_id)
LEFT JOIN spent USING (offer_id);
