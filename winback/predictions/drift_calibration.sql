-- Grain:   one row a tenth of the customers by their forecast.
-- Input:   earlier, the customers of a snapshot of about 91 days ago; snapshot, those of now; $days between the two.
-- Output:  tenth (1: the smallest forecasts); customers; forecast: the mean of what the model said of them; churned: how
--          many did not purchase since; squares: the sum of (outcome - forecast) squared; residuals: of outcome - forecast.
--
-- Silent for fewer days than have passed means purchased since. Who is gone from the snapshot of now was erased, and
-- counts nowhere. A score that did not come from the model (score_source) says nothing of its calibration.
WITH followed AS (
    SELECT
        earlier.churn_probability AS forecast,
        CASE WHEN snapshot.silence_days < $days THEN 0 ELSE 1 END AS outcome
    FROM earlier
    INNER JOIN snapshot ON earlier.customer_key = snapshot.customer_key
    WHERE earlier.churn_probability IS NOT NULL AND earlier.score_source = 'endpoint'
),

ranked AS (
    SELECT
        forecast,
        outcome,
        (row_number() OVER (ORDER BY forecast) - 1) * 10 // count(*) OVER () + 1 AS tenth
    FROM followed
)

SELECT
    tenth,
    count(*) AS customers,
    avg(forecast) AS forecast,
    sum(outcome) AS churned,
    sum(outcome - forecast) AS residuals,
    sum((outcome - forecast) ** 2) AS squares
FROM ranked
GROUP BY tenth
ORDER BY tenth;
