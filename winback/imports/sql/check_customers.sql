-- Grain: one row a row of the file.
-- Inputs: view source(n, canonical columns as text), table time_zones(name); $latest (timestamp or NULL).
-- Output: checked: typed values, and the first problem of the row in the order of its columns (NULL: none).
-- E-mail syntax is the HTML standard's (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address) with a dot
-- in the domain and international domain names; winback/customers has the same. Phone numbers are E.164.
CREATE OR REPLACE TEMP TABLE checked AS
WITH fields AS (
    SELECT
        n,
        cleaned(customer_id) AS customer_id,
        cleaned(email) AS email,
        nullif(regexp_replace(cleaned(phone), '[ ().-]', '', 'g'), '') AS phone,
        cleaned(first_name) AS first_name,
        cleaned(last_name) AS last_name,
        cleaned(time_zone) AS time_zone,
        upper(cleaned(country)) AS country,
        cleaned(locale) AS locale,
        lower(cleaned(email_consent)) AS email_consent,
        lower(cleaned(sms_consent)) AS sms_consent,
        lower(cleaned(push_consent)) AS push_consent,
        lower(cleaned(webhook_consent)) AS webhook_consent,
        lower(cleaned(call_consent)) AS call_consent,
        cleaned(consent_at) AS consent_at_text,
        instant_of(cleaned(consent_at)) AS consent_at,
        cleaned(consent_source) AS consent_source,
        cleaned(created_at) AS created_at_text,
        instant_of(cleaned(created_at)) AS created_at,
        cleaned(acquisition_channel) AS acquisition_channel,
        cleaned(push_token) AS push_token,
        -- `complaint;refund`, or a list of JSON or Parquet as text; none, or an empty list, says that nothing is open
        regexp_replace(replace(lower(cleaned(open_cases)), ',', ';'), '[\[\]'' "]', '', 'g') AS open_cases_text
    FROM source
)

SELECT
    * EXCLUDE (consent_at_text, created_at_text, open_cases_text),
    CASE
        WHEN open_cases_text IN ('', 'none') THEN []::VARCHAR[]
        ELSE list_sort(list_distinct(string_split(open_cases_text, ';')))
    END AS open_cases,
    CASE
        WHEN customer_id IS NULL THEN 'customer_id: missing'
        WHEN length(customer_id) > 128 THEN 'customer_id: too long'
        WHEN has_control_characters(customer_id) THEN 'customer_id: control characters'
        WHEN
            length(email) > 254
            OR NOT regexp_full_match(
                email,
                '[a-zA-Z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@([\pL\pN]([\pL\pN-]{0,61}[\pL\pN])?\.)+[\pL\pN]([\pL\pN-]{0,61}[\pL\pN])'
            )
            THEN 'email: not an address'
        WHEN NOT regexp_full_match(phone, '\+[1-9][0-9]{6,14}') THEN 'phone: not a number'
        WHEN length(first_name) > 128 THEN 'first_name: too long'
        WHEN has_control_characters(first_name) THEN 'first_name: control characters'
        WHEN length(last_name) > 128 THEN 'last_name: too long'
        WHEN has_control_characters(last_name) THEN 'last_name: control characters'
        WHEN time_zone IS NOT NULL AND time_zone NOT IN (SELECT name FROM time_zones) THEN 'time_zone: not a zone'
        WHEN NOT regexp_full_match(country, '[A-Z]{2}') THEN 'country: not a code'
        WHEN NOT regexp_full_match(locale, '[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8}){0,3}') THEN 'locale: not a tag'
        WHEN email_consent NOT IN ('granted', 'denied', 'unknown') THEN 'email_consent: not a consent'
        WHEN sms_consent NOT IN ('granted', 'denied', 'unknown') THEN 'sms_consent: not a consent'
        WHEN push_consent NOT IN ('granted', 'denied', 'unknown') THEN 'push_consent: not a consent'
        WHEN webhook_consent NOT IN ('granted', 'denied', 'unknown') THEN 'webhook_consent: not a consent'
        WHEN call_consent NOT IN ('granted', 'denied', 'unknown') THEN 'call_consent: not a consent'
        WHEN consent_at_text IS NOT NULL AND consent_at IS NULL THEN 'consent_at: not a date'
        WHEN consent_at < TIMESTAMP '1970-01-01' THEN 'consent_at: before 1970'
        WHEN consent_at > $latest THEN 'consent_at: in the future'
        WHEN length(consent_source) > 128 THEN 'consent_source: too long'
        WHEN has_control_characters(consent_source) THEN 'consent_source: control characters'
        WHEN created_at_text IS NOT NULL AND created_at IS NULL THEN 'created_at: not a date'
        WHEN created_at < TIMESTAMP '1970-01-01' THEN 'created_at: before 1970'
        WHEN created_at > $latest THEN 'created_at: in the future'
        WHEN length(acquisition_channel) > 128 THEN 'acquisition_channel: too long'
        WHEN has_control_characters(acquisition_channel) THEN 'acquisition_channel: control characters'
        WHEN length(push_token) NOT BETWEEN 8 AND 4096 OR NOT regexp_full_match(push_token, '[\x21-\x7e]*')
            THEN 'push_token: not a token'
        WHEN open_cases_text NOT IN ('', 'none') AND NOT list_has_all(['complaint', 'refund', 'order_in_transit'], string_split(open_cases_text, ';'))
            THEN 'open_cases: not a case'
    END AS problem
FROM fields;
