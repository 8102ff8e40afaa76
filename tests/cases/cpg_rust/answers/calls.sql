-- Where each call goes.
SELECT e.path, t.node_kind, t.name, coalesce(t.path, '-') AS defined_in, count(*) AS calls
FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id WHERE e.edge_kind = 'CALLS'
GROUP BY e.path, t.node_kind, t.name, t.path
