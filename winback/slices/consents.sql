-- Grain:   one row.
-- Input:   marked (preview.py)
-- Output:  members; how many of them granted and denied each channel: e-mail, SMS, push.
SELECT
    count(*)::BIGINT,
    count(CASE WHEN email_consent = 'granted' THEN 1 END)::BIGINT,
    count(CASE WHEN email_consent = 'denied' THEN 1 END)::BIGINT,
    count(CASE WHEN sms_consent = 'granted' THEN 1 END)::BIGINT,
    count(CASE WHEN sms_consent = 'denied' THEN 1 END)::BIGINT,
    count(CASE WHEN push_consent = 'granted' THEN 1 END)::BIGINT,
    count(CASE WHEN push_consent = 'denied' THEN 1 END)::BIGINT
FROM marked
WHERE member
