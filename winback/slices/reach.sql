-- Grain:   one row a segment of members.
-- Input:   marked (preview.py); $channel names one of the consents
-- Output:  members; those with consent to the channel, their purchases and what these brought; their margin, and the net
--          value of the orders that it is of; NULL sums are of nobody.
SELECT
    segment,
    count(*)::BIGINT AS members,
    count(CASE WHEN consent = 'granted' THEN 1 END)::BIGINT AS reachable,
    sum(CASE WHEN consent = 'granted' THEN purchases END)::BIGINT AS purchases,
    sum(CASE WHEN consent = 'granted' THEN gross_minor END)::BIGINT AS gross_minor,
    sum(CASE WHEN consent = 'granted' THEN margin_minor END)::BIGINT AS margin_minor,
    sum(CASE WHEN consent = 'granted' THEN costed_net_minor END)::BIGINT AS margin_net_minor
FROM (
    SELECT
        *,
        CASE $channel WHEN 'email' THEN email_consent WHEN 'sms' THEN sms_consent ELSE push_consent END AS consent
    FROM marked
    WHERE member
)
GROUP BY segment
ORDER BY segment
