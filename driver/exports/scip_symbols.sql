-- Symbols in the order of their files, with the places of their names: lines and columns from 0, in bytes.
SELECT s.path, s.symbol_id, s.kind, s.name, s.signature, s.documentation, s.is_test, s.is_generated, s.line - 1 AS line,
       s.column_utf8 - 1 AS start_column,
       CASE WHEN s.kind = 'module' AND s.owner_id IS NULL THEN 0 ELSE COALESCE(d.length, octet_length(s.name)) END AS length
FROM symbols s
LEFT JOIN (
  SELECT node_id, line, column_utf8, MAX(name_bend - name_bstart) AS length
  FROM extract.defs GROUP BY node_id, line, column_utf8
) d ON d.node_id = s.symbol_id AND d.line = s.line AND d.column_utf8 = s.column_utf8
ORDER BY s.path, s.bstart, s.bend, s.symbol_id
