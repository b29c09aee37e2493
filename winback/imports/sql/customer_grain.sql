-- Grain of the file: one row a customer. The first good row of a customer counts.
-- Input: checked. Outputs: set_aside(n, problem, first_n): rows with a problem, rows that repeat an earlier one
--   (`duplicate`) or contradict it;
--   customers, one row a customer; `fingerprint` is computed in winback/customers in the same way.
CREATE OR REPLACE TEMP MACRO consent_text(state, moment, source) AS
CASE
    WHEN state IS NULL THEN concat(chr(31), chr(31))
    ELSE concat(state, chr(31), coalesce(strftime(moment, '%Y-%m-%dT%H:%M:%SZ'), ''), chr(31), coalesce(source, ''))
END;

CREATE OR REPLACE TEMP TABLE fingerprints AS
SELECT
    n,
    customer_id,
    substr(
        sha256(
            concat_ws(
                chr(31),
                customer_id,
                coalesce(email, ''),
                coalesce(phone, ''),
                coalesce(first_name, ''),
                coalesce(last_name, ''),
                coalesce(time_zone, ''),
                coalesce(country, ''),
                coalesce(locale, ''),
                coalesce(strftime(created_at, '%Y-%m-%dT%H:%M:%SZ'), ''),
                consent_text(email_consent, consent_at, consent_source),
                consent_text(sms_consent, consent_at, consent_source),
                consent_text(push_consent, consent_at, consent_source),
                -- What is not stated adds nothing (concat_ws skips NULL): the fingerprint of before it was taken.
                acquisition_channel,
                'push_token=' || push_token,
                'open_cases=' || array_to_string(open_cases, ';'),
                CASE
                    WHEN webhook_consent IS NOT NULL
                        THEN concat('webhook', chr(31), consent_text(webhook_consent, consent_at, consent_source))
                END,
                CASE
                    WHEN call_consent IS NOT NULL
                        THEN concat('call', chr(31), consent_text(call_consent, consent_at, consent_source))
                END
            )
        ),
        1, 16
    ) AS fingerprint
FROM checked
WHERE problem IS NULL;

CREATE OR REPLACE TEMP TABLE set_aside AS
WITH repeated AS (
    SELECT
        customer_id,
        min(n) AS first_n,
        arg_min(fingerprint, n) AS first_fingerprint
    FROM fingerprints
    GROUP BY customer_id
    HAVING count(*) > 1
)

SELECT
    later.n,
    CASE WHEN later.fingerprint = repeated.first_fingerprint THEN 'duplicate' ELSE 'customer_id: used again' END AS problem,
    repeated.first_n
FROM fingerprints AS later
INNER JOIN repeated ON later.customer_id = repeated.customer_id AND later.n > repeated.first_n
UNION ALL
SELECT
    n,
    problem,
    NULL AS first_n
FROM checked
WHERE problem IS NOT NULL;

CREATE OR REPLACE TABLE customers AS
SELECT
    checked.* EXCLUDE (n, problem),
    fingerprints.fingerprint
FROM checked
INNER JOIN fingerprints USING (n)
ANTI JOIN set_aside USING (n)
ORDER BY n;
