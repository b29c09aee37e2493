-- Turns checked into orders (docs/data-model.md) in place: no row is copied. Input: set_aside(n).
DROP TABLE IF EXISTS orders;
DELETE FROM checked
WHERE n IN (SELECT set_aside.n FROM set_aside);
ALTER TABLE checked DROP COLUMN n;
ALTER TABLE checked DROP COLUMN sku;
ALTER TABLE checked DROP COLUMN category;
ALTER TABLE checked DROP COLUMN quantity;
ALTER TABLE checked DROP COLUMN problem;
ALTER TABLE checked RENAME TO orders;
