-- Grain: one row a row of the file.
-- Inputs: view source(n, canonical columns as text, whole_row), table currencies(written, currency, thousandths);
--   $approximate (the file's numbers are binary floating point), $latest (timestamp or NULL), $are_lines,
--   $states_codes (the file has the column: an order without a code there used none).
-- Output: checked: typed values, and the first problem of the row in the order of its columns (NULL: none). Where rows are
--   orders, the columns but n, sku, category, quantity and problem are those of `orders`, which it then becomes.
CREATE OR REPLACE TABLE checked AS
WITH fields AS (
    SELECT
        n,
        cleaned(customer_id) AS customer_id,
        cleaned(order_id) AS order_id,
        cleaned(ordered_at) AS ordered_at,
        cleaned(amount) AS amount,
        coalesce(currency, '') AS currency_written,
        cleaned(discount) AS discount,
        cleaned(cost) AS cost,
        cleaned(discount_codes) AS codes_text,
        cleaned(category) AS category,
        cleaned(sku) AS sku,
        cleaned(quantity) AS quantity
    FROM source
),

typed AS (
    SELECT
        fields.*,
        instant_of(fields.ordered_at) AS moment,
        thousandths_of(fields.amount, $approximate) AS amount_thousandths,
        thousandths_of(fields.discount, $approximate) AS discount_thousandths,
        thousandths_of(fields.cost, $approximate) AS cost_thousandths,
        thousandths_of(fields.quantity, $approximate) AS quantity_thousandths,
        codes_of(fields.codes_text) AS codes,
        currencies.currency,
        currencies.thousandths
    FROM fields
    LEFT JOIN currencies ON fields.currency_written = currencies.written
),

measured AS (
    SELECT
        typed.*,
        amount_thousandths // thousandths AS amount_minor,
        discount_thousandths // thousandths AS discount_minor,
        cost_thousandths // thousandths AS cost_minor,
        CASE
            WHEN customer_id IS NULL THEN 'customer_id: missing'
            WHEN length(customer_id) > 128 THEN 'customer_id: too long'
            WHEN has_control_characters(customer_id) THEN 'customer_id: control characters'
            WHEN order_id IS NULL THEN 'order_id: missing'
            WHEN length(order_id) > 128 THEN 'order_id: too long'
            WHEN has_control_characters(order_id) THEN 'order_id: control characters'
            WHEN ordered_at IS NULL THEN 'ordered_at: missing'
            WHEN moment IS NULL THEN 'ordered_at: not a date'
            WHEN moment < TIMESTAMP '1970-01-01' THEN 'ordered_at: before 1970'
            WHEN moment > $latest THEN 'ordered_at: in the future'
            WHEN amount IS NULL THEN 'amount: missing'
            WHEN thousandths IS NULL THEN 'currency: not a code'
            WHEN amount_thousandths IS NULL OR amount_thousandths % thousandths <> 0 THEN 'amount: ' || number_problem(amount)
            WHEN discount IS NOT NULL AND (discount_thousandths IS NULL OR discount_thousandths % thousandths <> 0)
                THEN 'discount: ' || number_problem(discount)
            WHEN discount_thousandths < 0 THEN 'discount: negative'
            WHEN cost IS NOT NULL AND (cost_thousandths IS NULL OR cost_thousandths % thousandths <> 0)
                THEN 'cost: ' || number_problem(cost)
            WHEN cost_thousandths < 0 AND amount_thousandths >= 0 THEN 'cost: negative'
            WHEN codes_text IS NOT NULL AND codes IS NULL THEN 'discount_codes: not codes'
            WHEN len(codes) > 20 THEN 'discount_codes: too many'
            WHEN len(list_filter(codes, lambda code: length(code) > 255)) > 0 THEN 'discount_codes: too long'
            WHEN has_control_characters(array_to_string(codes, ' ')) THEN 'discount_codes: control characters'
            WHEN length(category) > 128 THEN 'category: too long'
            WHEN has_control_characters(category) THEN 'category: control characters'
            WHEN length(sku) > 128 THEN 'sku: too long'
            WHEN has_control_characters(sku) THEN 'sku: control characters'
            WHEN quantity IS NOT NULL AND quantity_thousandths IS NULL THEN 'quantity: ' || number_problem(quantity)
        END AS problem
    FROM typed
)

SELECT
    n,
    order_id,
    customer_id,
    moment AS ordered_at,
    amount_minor,
    currency,
    discount_minor,
    cost_minor,
    CAST(
        NULL AS STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT, cost_minor BIGINT)[]
    ) AS lines,
    CASE WHEN $states_codes THEN coalesce(codes, []) END AS discount_codes,
    CASE
        WHEN problem IS NULL AND NOT $are_lines
            THEN order_fingerprint(
                order_id, customer_id, moment, amount_minor, currency, discount_minor, cost_minor, '', codes
            )
    END AS fingerprint,
    sku,
    category,
    CAST(quantity_thousandths / 1000 AS DECIMAL(18, 3)) AS quantity,
    problem
FROM measured;
