-- What names, attributes and keywords mean in programs that define them more than once: each that is right by the language,
-- and a group where several are.
SELECT u.line, u.name, e.resolution_method AS method, coalesce(t.path || ':' || CAST(t.line AS VARCHAR), t.name) AS meant,
       CASE WHEN e.ambiguity_group_id IS NULL THEN 'one' ELSE 'several' END AS ends
FROM cpg_edges e
JOIN cpg_nodes t ON t.node_id = e.dst_node_id
JOIN "references" u ON u.reference_id = e.src_node_id AND u.path = 'meanings/main.py'
WHERE e.edge_kind = 'REFERS_TO' AND u.name NOT IN ('self', 'first', 'bounds', 'property')
GROUP BY u.line, u.name, e.resolution_method, coalesce(t.path || ':' || CAST(t.line AS VARCHAR), t.name), e.ambiguity_group_id IS NULL
