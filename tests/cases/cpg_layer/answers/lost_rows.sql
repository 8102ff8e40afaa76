-- Edges that the tables for people lack, and rows that are no edge. Neither may be.
SELECT 'call' AS kind, e.path, e.bstart FROM cpg_edges e LEFT JOIN calls c ON c.call_id = e.src_node_id AND c.callee_id = e.dst_node_id
WHERE e.edge_kind = 'CALLS' AND c.call_id IS NULL
UNION ALL
SELECT 'reference', e.path, e.bstart FROM cpg_edges e LEFT JOIN "references" r ON r.reference_id = e.src_node_id
WHERE e.edge_kind = 'REFERS_TO' AND r.reference_id IS NULL
UNION ALL
SELECT 'import', e.path, e.bstart FROM cpg_edges e LEFT JOIN imports i ON i.import_id = e.src_node_id AND i.imported_id = e.dst_node_id
WHERE e.edge_kind = 'IMPORTS' AND i.import_id IS NULL
UNION ALL
SELECT 'call without edge', c.path, c.line FROM calls c LEFT JOIN cpg_edges e
ON e.edge_kind = 'CALLS' AND e.src_node_id = c.call_id AND e.dst_node_id = c.callee_id WHERE e.edge_id IS NULL
UNION ALL
SELECT 'caller without name', c.path, c.line FROM calls c WHERE c.caller IS NULL OR c.callee IS NULL
