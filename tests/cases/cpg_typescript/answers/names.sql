-- What names refer to that are no variables of functions: those at the top of a file, and members.
SELECT e.path, s.name AS used, t.node_kind, t.name, coalesce(t.path, '-') AS defined_in, count(*) AS uses
FROM cpg_edges e JOIN cpg_nodes s ON s.node_id = e.src_node_id JOIN cpg_nodes t ON t.node_id = e.dst_node_id
WHERE e.edge_kind = 'REFERS_TO' AND t.node_kind NOT IN ('identifier', 'shorthand_property_identifier_pattern')
GROUP BY e.path, s.name, t.node_kind, t.name, t.path
