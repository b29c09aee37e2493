-- Grain:   one row a customer who purchased something of a known category before $as_of.
-- Input:   orders (orders with lines of sku, category, ...); $as_of timestamp
-- Output:  a relation: customer_id and its number of different categories.
SELECT customer_id, count(DISTINCT category) AS category_count
FROM (
    SELECT customer_id, unnest(list_transform(lines, lambda line: line.category)) AS category
    FROM orders
    WHERE ordered_at < $as_of AND amount_minor >= 0
)
GROUP BY customer_id
