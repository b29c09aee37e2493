-- Grain:   one row a customer of the snapshot.
-- Input:   computed (customer_key, segment, silence_days, lapse_days, last_purchase_at); scores (customer_key,
--          churn_probability, model_id, reasons) of the endpoint, null where it gave none; last_scores (customer_key,
--          last_purchase_at, churn_probability, model_id, churn_reasons, scored_at): the endpoint's scores that the latest
--          snapshot before has; returns (segment, share): how many of a segment purchased within 91 days by themselves, where
--          enough were seen; $as_of timestamp; $most_days: how old a last score may be
-- Output:  table scored: customer_key, churn_probability (four decimals; null where nothing is known), score_source,
--          model_id and churn_reasons (null unless a model's), scored_at (when a model's facts were taken, else null).
--
-- The first of these that there is:
--   endpoint     what the endpoint answered for this snapshot
--   last_scores  what it last answered for this customer, if no older than $most_days and the customer has not purchased since:
--                a purchase changes the answer more than some weeks of silence do
--   heuristic    1 - share of its segment who came back by themselves; where too few were seen, r / (1 + r), with r the silence
--                in own lapse thresholds: a half for who is just late. A rule and no model: nothing was learned for it
--   none
CREATE OR REPLACE TEMP TABLE scored AS
WITH known AS (
    SELECT
        computed.customer_key,
        scores.churn_probability AS fresh,
        scores.model_id AS fresh_model,
        scores.reasons AS fresh_reasons,
        last_scores.churn_probability AS last,
        last_scores.model_id AS last_model,
        last_scores.churn_reasons AS last_reasons,
        last_scores.scored_at AS last_scored_at,
        coalesce(
            1 - returns.share,
            computed.silence_days / nullif(computed.silence_days + computed.lapse_days, 0)
        ) AS ruled
    FROM computed
    LEFT JOIN scores ON computed.customer_key = scores.customer_key
    LEFT JOIN last_scores
        ON computed.customer_key = last_scores.customer_key
        AND computed.last_purchase_at = last_scores.last_purchase_at
        AND datediff('day', last_scores.scored_at, $as_of) BETWEEN 0 AND $most_days
    LEFT JOIN returns ON computed.segment = returns.segment
),
stepped AS (
    SELECT
        *,
        CASE
            WHEN fresh IS NOT NULL THEN 'endpoint'
            WHEN last IS NOT NULL THEN 'last_scores'
            WHEN ruled IS NOT NULL THEN 'heuristic'
            ELSE 'none'
        END AS score_source
    FROM known
)
SELECT
    customer_key,
    round(coalesce(fresh, last, ruled), 4) AS churn_probability,
    score_source,
    CASE score_source WHEN 'endpoint' THEN fresh_model WHEN 'last_scores' THEN last_model END AS model_id,
    CASE score_source WHEN 'endpoint' THEN fresh_reasons WHEN 'last_scores' THEN last_reasons END AS churn_reasons,
    CASE score_source WHEN 'endpoint' THEN $as_of::TIMESTAMP WHEN 'last_scores' THEN last_scored_at END AS scored_at
FROM stepped;
