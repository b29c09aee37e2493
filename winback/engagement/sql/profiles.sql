-- Grain:   one row a customer of whom anything was stated, or who unsubscribed, before $as_of.
-- Input:   customer_files (customer_key, consent struct by channel of state and "at", acquisition_channel, created_at,
--          received_at; timestamps in UTC); touches (touches.sql); $as_of timestamp
-- Output:  table profiles (customer_id, email_consent, sms_consent, push_consent, acquisition_channel, created_at); its
--          customer_id is the customer key, a consent granted, denied or unknown.
--
-- Acquisition is as last stated. Consent is per channel, as winback/customers merges it: a statement that does not mention the
-- channel changes nothing, of dated ones the later counts, and an undated one never lifts a denial. An undated statement is
-- as of when it was received. An unsubscription is a dated denial, of every channel where it names none.
CREATE OR REPLACE TEMP TABLE profiles AS
WITH stated AS (
    SELECT
        customer_key AS customer_id,
        consent,
        acquisition_channel,
        created_at,
        received_at,
        row_number() OVER (
            PARTITION BY customer_key
            ORDER BY received_at DESC, created_at DESC NULLS LAST, acquisition_channel DESC NULLS LAST
        ) AS recency
    FROM customer_files
    WHERE received_at < $as_of
),
consents AS (
    SELECT customer_id, 'email' AS channel, consent.email.state AS state, consent.email."at" AS stated_at, received_at
    FROM stated
    UNION ALL
    SELECT customer_id, 'sms' AS channel, consent.sms.state AS state, consent.sms."at" AS stated_at, received_at
    FROM stated
    UNION ALL
    SELECT customer_id, 'push' AS channel, consent.push.state AS state, consent.push."at" AS stated_at, received_at
    FROM stated
    UNION ALL
    SELECT touches.customer_id, channels.channel, 'denied' AS state, touches."at" AS stated_at, touches."at" AS received_at
    FROM touches
    JOIN (SELECT 'email' AS channel UNION ALL SELECT 'sms' AS channel UNION ALL SELECT 'push' AS channel) AS channels
        ON coalesce(touches.channel, channels.channel) = channels.channel
    WHERE touches.kind = 'unsubscribed'
),
dated AS (
    SELECT
        customer_id,
        channel,
        state,
        stated_at IS NULL AND state <> 'denied' AS yields,
        coalesce(stated_at, received_at) AS since,
        received_at
    FROM consents
    WHERE state IS NOT NULL
),
ranked AS (
    SELECT
        customer_id,
        channel,
        state,
        yields,
        since,
        row_number() OVER (
            PARTITION BY customer_id, channel, yields
            ORDER BY since DESC, CASE WHEN state = 'denied' THEN 0 ELSE 1 END, received_at DESC, state
        ) AS place
    FROM dated
),
standing AS (
    SELECT
        customer_id,
        channel,
        max(CASE WHEN NOT yields THEN state END) AS firm,
        max(CASE WHEN NOT yields THEN since END) AS firm_since,
        max(CASE WHEN yields THEN state END) AS yielding,
        max(CASE WHEN yields THEN since END) AS yielding_since
    FROM ranked
    WHERE place = 1
    GROUP BY customer_id, channel
),
merged AS (
    SELECT
        customer_id,
        channel,
        CASE
            WHEN firm = 'denied' OR yielding IS NULL OR firm_since > yielding_since THEN firm
            ELSE yielding
        END AS state
    FROM standing
),
by_channel AS (
    SELECT
        customer_id,
        max(CASE WHEN channel = 'email' THEN state END) AS email,
        max(CASE WHEN channel = 'sms' THEN state END) AS sms,
        max(CASE WHEN channel = 'push' THEN state END) AS push
    FROM merged
    GROUP BY customer_id
),
customers_known AS (
    SELECT customer_id FROM stated
    UNION
    SELECT customer_id FROM by_channel
)
SELECT
    customers_known.customer_id,
    coalesce(by_channel.email, 'unknown') AS email_consent,
    coalesce(by_channel.sms, 'unknown') AS sms_consent,
    coalesce(by_channel.push, 'unknown') AS push_consent,
    latest.acquisition_channel,
    latest.created_at
FROM customers_known
LEFT JOIN stated AS latest ON customers_known.customer_id = latest.customer_id AND latest.recency = 1
LEFT JOIN by_channel ON customers_known.customer_id = by_channel.customer_id;
