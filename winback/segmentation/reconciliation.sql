-- Grain:   one row a (segment, archetype) that occurs; archetype null: customers without a cluster.
-- Input:   snapshot_segments (customer_key, segment): one snapshot; assignments (customer_key, cluster, archetype): one run
-- Output:  customers in both at once: the reconciliation of the rule track with the cluster track.
SELECT
    snapshot_segments.segment,
    assignments.archetype,
    count(*)::BIGINT AS customers
FROM snapshot_segments
LEFT JOIN assignments ON snapshot_segments.customer_key = assignments.customer_key
GROUP BY snapshot_segments.segment, assignments.archetype
ORDER BY snapshot_segments.segment, assignments.archetype;
