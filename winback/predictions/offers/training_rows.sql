-- Decisions about offers with what came of them: what the offer model learns from.
-- Grain: one row per decision of a customer whose window is over, with at least two arms that had a chance.
-- Input: decisions (winback/predictions/offers/records.py, one row a line; one account's), orders (latest versions in one
--        currency, customer_id is the customer key; winback/segmentation/order_files.py), $window_days, $until (UTC,
--        exclusive: what is known), $margin_share (of an order whose cost is not known)
-- Output: customer (a number, nobody's key), decided_at, arm, propensity, eligible (arms divided by |), reward and cost
--         (in purchase margins of the customer; the reward before costs, as orders book it: net of discounts), features
WITH order_margins AS (
    SELECT customer_id AS customer_key, ordered_at,
           CASE WHEN cost_minor IS NULL THEN amount_minor * $margin_share ELSE amount_minor - cost_minor END AS margin_minor
    FROM orders
    WHERE ordered_at < $until
),
-- A repeated attempt writes the same decision again.
decided AS (
    SELECT *
    FROM decisions
    WHERE decided_at + to_days(CAST($window_days AS INTEGER)) <= $until
      AND margin_minor > 0
      AND currency = (SELECT any_value(currency) FROM orders)
      AND len(list_filter(arms, lambda considered: considered.propensity > 0)) > 1
    QUALIFY row_number() OVER (PARTITION BY decision_id, customer_key ORDER BY decided_at) = 1
),
-- Orders of the decision's moment itself came before it.
rewarded AS (
    SELECT decided.decision_id, decided.customer_key, sum(order_margins.margin_minor) AS margin_minor
    FROM decided
    JOIN order_margins
      ON order_margins.customer_key = decided.customer_key
     AND order_margins.ordered_at > decided.decided_at
     AND order_margins.ordered_at <= decided.decided_at + to_days(CAST($window_days AS INTEGER))
    GROUP BY ALL
)
SELECT dense_rank() OVER (ORDER BY decided.customer_key) AS customer,
       decided.decided_at,
       decided.arm,
       decided.propensity,
       list_aggregate(
           list_transform(list_filter(decided.arms, lambda considered: considered.propensity > 0), lambda considered: considered.arm),
           'string_agg', '|'
       ) AS eligible,
       coalesce(rewarded.margin_minor, 0) / decided.margin_minor AS reward,
       decided.cost_minor / decided.margin_minor AS cost,
       unnest(decided.features)
FROM decided
LEFT JOIN rewarded USING (decision_id, customer_key)
ORDER BY decided.decided_at, decided.customer_key, decided.decision_id
