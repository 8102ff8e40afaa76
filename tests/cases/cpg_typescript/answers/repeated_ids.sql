SELECT (SELECT count(*) - count(DISTINCT node_id) FROM cpg_nodes) AS nodes, (SELECT count(*) - count(DISTINCT edge_id) FROM cpg_edges) AS edges
