SELECT edge_id AS id, src_node_id AS source, dst_node_id AS target, edge_kind AS kind, path, bstart, bend,
       resolution_method AS method, confidence, score, ambiguity_group_id AS ambiguity_group, reason
FROM cpg_edges
