-- Grain:   one row a due band.
-- Input:   candidates at an earlier moment; next_items (customer_id, item) of the order that came next.
-- Output:  a relation (due_band, observed, expected): how often what was bought before was in the next order, and how often
--          it should have been by its base score; of customers who ordered.
SELECT
    due_band,
    count(next_items.item) AS observed,
    sum(base) AS expected
FROM candidates
SEMI JOIN next_items ON candidates.customer_id = next_items.customer_id
LEFT JOIN next_items ON candidates.customer_id = next_items.customer_id AND candidates.item = next_items.item
WHERE kind = 'repeat'
GROUP BY due_band
