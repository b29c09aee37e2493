-- Grain:   one row a buyer, by its row of the table buyers.
-- Output:  predicted, still empty; amounts in minor units, not rounded.
CREATE OR REPLACE TEMP TABLE predicted (
    row BIGINT,
    p_alive DOUBLE,
    expected_purchases DOUBLE,
    value DOUBLE,
    low DOUBLE,
    high DOUBLE
);
