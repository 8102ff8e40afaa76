-- Every call that is open says why.
SELECT e.path, p.value_string AS callee, e.reason
FROM cpg_edges e JOIN cpg_props p ON p.entity_id = e.src_node_id AND p.prop_key = 'callee'
WHERE e.edge_kind = 'CALLS' AND (e.resolution_method = 'dynamic' OR e.reason IS NOT NULL)
