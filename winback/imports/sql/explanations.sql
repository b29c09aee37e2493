-- What each problem means and what would be right; {line} is the line of the row that it contradicts.
CREATE OR REPLACE TEMP TABLE explanations AS
SELECT
    field || ': ' || problem AS problem,
    reason
FROM (
    VALUES
    (['row'], 'wrong number of fields', 'the line has more or fewer fields than the header'),
    (['row'], 'broken quotes', 'a quoted field is not closed, or has text after its closing quote'),
    (['row'], 'too long', 'the line is longer than 2,000,000 bytes'),
    (['row'], 'not UTF-8', 'a column of bytes holds something other than UTF-8 text'),
    (['row'], 'not a JSON object', 'the line is not one JSON object'),
    (['customer_id', 'order_id'], 'missing', 'is missing: every row needs one'),
    (['ordered_at', 'amount', 'at'], 'missing', 'is missing'),
    (['customer_id', 'order_id', 'sku', 'category', 'event_id'], 'too long', 'is longer than 128 characters'),
    (
        ['customer_id', 'order_id', 'sku', 'category', 'first_name', 'last_name', 'consent_source', 'acquisition_channel',
            'event_id', 'discount_codes'],
        'control characters',
        'has control characters such as a line break or a tab'
    ),
    (
        ['ordered_at', 'consent_at', 'created_at', 'at'],
        'not a date',
        'is not a date or time: expected ISO 8601 such as 2026-11-21T09:30:00Z or 2026-11-21'
    ),
    (['ordered_at', 'consent_at', 'created_at', 'at'], 'before 1970', 'is before 1970'),
    (['ordered_at', 'consent_at', 'created_at', 'at'], 'in the future', 'is more than one day in the future'),
    (['amount', 'discount', 'cost', 'quantity'], 'not a number', 'is not a number: expected a decimal point and digits such as 1234.50'),
    (['amount', 'discount', 'cost', 'quantity'], 'out of range', 'is out of range: expected less than 1,000,000,000,000'),
    (['amount', 'discount', 'cost'], 'too many decimals', 'has more decimals than its currency'),
    (['quantity'], 'too many decimals', 'has more than three decimals'),
    (['discount'], 'negative', 'is negative: expected how much was taken off, or nothing'),
    (['cost'], 'negative', 'is negative: expected what the goods cost; only that of a return is below zero'),
    (
        ['discount_codes'], 'not codes',
        'is no list of codes: expected them with commas or semicolons between, or a JSON list of texts or of objects with a code'
    ),
    (['discount_codes'], 'too many', 'has more than 20 codes'),
    (['discount_codes'], 'too long', 'has a code longer than 255 characters'),
    (['currency'], 'not a code', 'is not an ISO 4217 code such as EUR'),
    (
        ['order_id'], 'used again',
        'line {line} has this order_id with other content: the first one counts (rows are order lines only when the file has sku or category)'
    ),
    (['order_id'], 'another line was rejected', 'line {line} of the same order was rejected: an order is taken whole or not at all'),
    (['customer_id'], 'differs within the order', 'the lines of this order, the first on line {line}, name different customers'),
    (['email'], 'not an address', 'is not an e-mail address: expected one such as ann@example.com'),
    (['phone'], 'not a number', 'is not an international number: expected one such as +4930123456'),
    (['first_name', 'last_name', 'consent_source', 'acquisition_channel'], 'too long', 'is longer than 128 characters'),
    (['time_zone'], 'not a zone', 'is not an IANA time zone such as Europe/Berlin'),
    (['country'], 'not a code', 'is not an ISO 3166 code of two letters such as DE'),
    (['locale'], 'not a tag', 'is not a language tag such as de-DE'),
    (
        ['email_consent', 'sms_consent', 'push_consent', 'webhook_consent', 'call_consent'],
        'not a consent',
        'is none of granted, denied, unknown'
    ),
    (['push_token'], 'not a token', 'is not a push token: expected 8 to 4,096 visible ASCII characters'),
    (
        ['open_cases'], 'not a case',
        'has other words than complaint, refund, order_in_transit: expected those that are open, such as complaint;refund, or none'
    ),
    (['customer_id'], 'used again', 'line {line} has this customer_id with other content: the first one counts'),
    (['currency'], 'differs within the order', 'the lines of this order, the first on line {line}, have different currencies')
) AS listed (fields, problem, reason), unnest(fields) AS each_field (field);
