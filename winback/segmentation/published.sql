-- Grain:   one row a customer of the snapshot.
-- Input:   computed (the snapshot as refresh_compute wrote it) and scores (customer_key, churn_probability, source, model_id)
-- Output:  table published: computed, and churn_probability (null without a score), score_source, model_id.
CREATE OR REPLACE TABLE published AS
SELECT
    computed.*,
    round(scores.churn_probability, 4) AS churn_probability,
    coalesce(scores.source, 'none') AS score_source,
    scores.model_id
FROM computed
LEFT JOIN scores USING (customer_key)
ORDER BY customer_key;
