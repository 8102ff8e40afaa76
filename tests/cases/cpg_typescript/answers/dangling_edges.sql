SELECT count(*) AS edges FROM cpg_edges e
WHERE e.src_node_id NOT IN (SELECT node_id FROM cpg_nodes) OR e.dst_node_id NOT IN (SELECT node_id FROM cpg_nodes)
