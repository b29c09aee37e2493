-- Grain:   one row an order in the account's currency, or in another for which there is a rate on its day.
-- Input:   stated_orders (order_id, customer_id, ordered_at timestamp in UTC, amount_minor, currency, discount_minor,
--          cost_minor, lines), as the store stated them; conversions (conversions.sql); {account_currency}, as a literal
-- Output:  view orders, the same columns, all amounts in the account's currency. Each amount is rounded for itself, half
--          away from zero, so that the lines of an order may add up to a minor unit a line more or less than the order.
--          A return stays one: it is of at least one minor unit, because an order of zero is a purchase.
--          Amounts of 10^15 minor units and more are left out: no order is that large (winback/imports), so the rate is wrong.
CREATE OR REPLACE TEMP VIEW orders AS
SELECT order_id, customer_id, ordered_at, amount_minor, currency, discount_minor, cost_minor, lines
FROM stated_orders
WHERE currency = {account_currency}
UNION ALL
SELECT
    stated_orders.order_id,
    stated_orders.customer_id,
    stated_orders.ordered_at,
    {amount_minor} AS amount_minor,
    {account_currency} AS currency,
    {discount_minor} AS discount_minor,
    {cost_minor} AS cost_minor,
    list_transform(
        stated_orders.lines,
        lambda line: {{
            'sku': line.sku,
            'category': line.category,
            'quantity': line.quantity,
            'price_minor': {line_price_minor},
            'cost_minor': {line_cost_minor}
        }}
    ) AS lines
FROM stated_orders
INNER JOIN conversions
    ON stated_orders.currency = conversions.currency AND CAST(stated_orders.ordered_at AS DATE) = conversions.day
WHERE
    stated_orders.currency <> {account_currency}
    AND abs(stated_orders.amount_minor) * conversions.multiplier < 1000000000000000 * conversions.divisor;
