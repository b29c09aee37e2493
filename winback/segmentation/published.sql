-- Grain:   one row a customer of the snapshot.
-- Input:   computed (the snapshot as refresh_compute wrote it); scored (score_ladder.sql);
--          previous: the latest snapshot before (customer_key, lapsed, silence_days, last_purchase_at), empty when this is the
--          first or a backfill; $same_rubric: whether the two were cut by the same thresholds
--          lifetime: what refresh_value wrote of each customer (empty when it wrote nothing)
-- Output:  table published: computed, and churn_probability (null without a score), score_source, model_id, churn_reasons,
--          scored_at, newly_lapsed;
--          p_alive, expected_purchases_365_days, predicted_value_minor with _low_ and _high_, predicted_margin_minor (null
--          where not known), value_source.
--
-- Newly lapsed: lapsed now, and a buyer who was not lapsed in the previous snapshot. Who was no buyer then did not lapse
-- under our eyes: importing years of history makes nobody newly lapsed. With other thresholds than before, a silent
-- customer must also have been within today's threshold then: a new calibration makes nobody newly lapsed either.
CREATE OR REPLACE TABLE published AS
SELECT
    computed.*,
    scored.churn_probability,
    scored.score_source,
    scored.model_id,
    scored.churn_reasons,
    scored.scored_at,
    lifetime.p_alive,
    lifetime.expected_purchases_365_days,
    lifetime.predicted_value_minor,
    lifetime.predicted_value_low_minor,
    lifetime.predicted_value_high_minor,
    lifetime.predicted_margin_minor,
    coalesce(lifetime.value_source, 'none') AS value_source,
    coalesce(
        computed.lapsed
        AND NOT previous.lapsed
        AND (
            $same_rubric
            OR previous.last_purchase_at <> computed.last_purchase_at
            OR previous.silence_days <= computed.lapse_days
        ),
        FALSE
    ) AS newly_lapsed
FROM computed
JOIN scored ON computed.customer_key = scored.customer_key
LEFT JOIN lifetime ON computed.customer_key = lifetime.customer_key
LEFT JOIN previous ON computed.customer_key = previous.customer_key
ORDER BY computed.customer_key;
