-- Uses of symbols and imported names in the order of their files, with the roles of SCIP: 2 import, 4 write, 8 read.
SELECT path, symbol_id, name, line, start_column, length, role
FROM (
  SELECT r.path, r.symbol_id, r.symbol AS name, r.line - 1 AS line, r.column_utf8 - 1 AS start_column,
         COALESCE(u.length, octet_length(r.name)) AS length,
         CASE WHEN r.is_written THEN 4 WHEN r.context IN ('read', 'call', 'attribute') THEN 8 ELSE 0 END AS role
  FROM "references" r
  LEFT JOIN (
    SELECT node_id, line, column_utf8, MAX(bend - bstart) AS length
    FROM extract.refs GROUP BY node_id, line, column_utf8
  ) u ON u.node_id = r.reference_id AND u.line = r.line AND u.column_utf8 = r.column_utf8
  UNION ALL
  SELECT i.path, i.imported_id, i.imported, i.line - 1, i.column_utf8 - 1,
         CASE WHEN i.alias IS NULL THEN u.length ELSE LEAST(u.length, octet_length(COALESCE(i.name, u.raw_module))) END, 2
  FROM imports i
  JOIN (
    SELECT node_id, line, column_utf8, MAX(bend - bstart) AS length, MAX(raw_module) AS raw_module
    FROM extract.imports WHERE NOT is_star GROUP BY node_id, line, column_utf8
  ) u ON u.node_id = i.import_id AND u.line = i.line AND u.column_utf8 = i.column_utf8
) x
WHERE symbol_id IS NOT NULL AND name IS NOT NULL
ORDER BY path, line, start_column, length, role, symbol_id, name
