-- Calls with several ends are groups, whose scores add up to 1.
SELECT p.value_string AS callee, count(DISTINCT e.ambiguity_group_id) AS groups, count(*) AS ends, sum(e.score) AS score
FROM cpg_edges e JOIN cpg_props p ON p.entity_id = e.src_node_id AND p.prop_key = 'callee'
WHERE e.edge_kind = 'CALLS' AND e.ambiguity_group_id IS NOT NULL
GROUP BY p.value_string
