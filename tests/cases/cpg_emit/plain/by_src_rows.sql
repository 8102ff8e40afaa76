SELECT src_node_id, edge_id, edge_kind, dst_node_id FROM links
