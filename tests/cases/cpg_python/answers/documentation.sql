SELECT s.node_kind, s.name, e.edge_kind FROM cpg_edges e JOIN cpg_nodes s ON s.node_id = e.src_node_id
WHERE e.edge_kind IN ('HAS_DOCSTRING', 'HAS_DECORATOR')
