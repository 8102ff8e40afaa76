-- What imports name, what classes derive from and what `new` makes.
SELECT e.edge_kind, e.path, s.name AS source, t.node_kind, t.name, coalesce(t.path, '-') AS defined_in, count(*) AS edges
FROM cpg_edges e JOIN cpg_nodes s ON s.node_id = e.src_node_id JOIN cpg_nodes t ON t.node_id = e.dst_node_id
WHERE e.edge_kind IN ('IMPORTS', 'INHERITS', 'INSTANTIATES')
GROUP BY e.edge_kind, e.path, s.name, t.node_kind, t.name, t.path
