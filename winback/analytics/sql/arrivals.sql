-- Grain:   one row a planned send.
-- Input:   fates
-- Output:  view arrivals: fates, and whether the message arrived. An open, a click or an unsubscribe proves it also where the
--          delivery event was lost.
CREATE OR REPLACE VIEW arrivals AS
SELECT
    *,
    outcome IN ('delivered', 'complained') OR outcome IN ('accepted', 'unknown')
        AND coalesce(opened_at, machine_opened_at, clicked_at, bot_clicked_at, unsubscribed_at) IS NOT NULL AS arrived
FROM fates;
