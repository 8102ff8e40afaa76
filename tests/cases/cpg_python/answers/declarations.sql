-- What the classes and functions of shapes.py declare.
SELECT s.name AS scope, t.name, e.resolution_method AS kind
FROM cpg_edges e JOIN cpg_nodes s ON s.node_id = e.src_node_id JOIN cpg_nodes t ON t.node_id = e.dst_node_id
WHERE e.edge_kind = 'DECLARES' AND e.path = 'pkg/shapes.py'
