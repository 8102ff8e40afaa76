-- Where each call goes.
SELECT e.path, p.value_string AS callee, t.node_kind, t.name, coalesce(t.path, '-') AS defined_in, e.resolution_method AS method, count(*) AS calls
FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id
JOIN cpg_props p ON p.entity_id = e.src_node_id AND p.prop_key = 'callee'
WHERE e.edge_kind = 'CALLS'
GROUP BY e.path, p.value_string, t.node_kind, t.name, t.path, e.resolution_method
