-- Grain:   one row a customer whose time zone was stated before $as_of.
-- Inputs:  zone_files (customer_key, time_zone, received_at timestamp in UTC); known_zones (name): the zones there are; $as_of
-- Output:  table time_zones (customer_id, time_zone), as last stated; its customer_id is the customer key.
CREATE OR REPLACE TEMP TABLE time_zones AS
SELECT
    customer_key AS customer_id,
    max_by(time_zone, (received_at, time_zone)) AS time_zone
FROM zone_files
INNER JOIN known_zones ON zone_files.time_zone = known_zones.name
WHERE received_at < $as_of
GROUP BY customer_key;
