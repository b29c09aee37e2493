-- Grain:   one row an ordered pair of items that are bought together.
-- Input:   item_days of the customers that the account is learned from; $baskets: how many order days are looked at,
--          $largest_basket: order days with more items are left out; $support, $shrinkage, $partners.
-- Output:  table item_partners (item, other, together, lift): for each item its at most $partners others of the greatest lift.
--
-- lift = (together + shrinkage) / (expected together + shrinkage), expected if baskets held items independently: the
-- gamma-Poisson shrinkage of DuMouchel 1999 (The American Statistician 53, 177-190, equation 4) with one gamma of mean 1. So a pair
-- seen once, where hardly any was expected, says nothing; beside that a pair has at least $support baskets.
CREATE OR REPLACE TEMP TABLE item_partners AS
WITH baskets AS (
    SELECT customer_id, day, count(*) AS items
    FROM item_days
    GROUP BY customer_id, day
    HAVING count(*) <= $largest_basket
    ORDER BY hash(customer_id, day)
    LIMIT $baskets
),
basket_items AS (
    SELECT customer_id, day, item
    FROM item_days
    SEMI JOIN baskets USING (customer_id, day)
),
item_baskets AS (
    SELECT item, count(*) AS baskets
    FROM basket_items
    GROUP BY item
),
pairs AS (
    SELECT one.item, other.item AS other, count(*) AS together
    FROM basket_items AS one
    JOIN basket_items AS other ON one.customer_id = other.customer_id AND one.day = other.day AND one.item <> other.item
    GROUP BY one.item, other.item
    HAVING count(*) >= $support
)
SELECT
    pairs.item,
    pairs.other,
    pairs.together,
    (pairs.together + $shrinkage)
    / (mine.baskets * theirs.baskets / (SELECT count(*) FROM baskets)::DOUBLE + $shrinkage) AS lift
FROM pairs
JOIN item_baskets AS mine ON pairs.item = mine.item
JOIN item_baskets AS theirs ON pairs.other = theirs.item
WHERE lift > 1
QUALIFY row_number() OVER (PARTITION BY pairs.item ORDER BY lift DESC, pairs.other) <= $partners;
