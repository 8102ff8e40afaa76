-- Where NAME is used: read, written, called, imported. $1 is the name.
SELECT symbol, context, is_written, path, line, column_utf8 AS "column", method, confidence
FROM "references"
WHERE symbol = $1 OR ends_with(symbol, '.' || $1) OR ends_with(symbol, '::' || $1)
UNION ALL
SELECT imported, 'import', false, path, line, column_utf8, method, 1.0
FROM imports
WHERE imported = $1 OR ends_with(imported, '.' || $1) OR ends_with(imported, '::' || $1)
ORDER BY symbol, path, line, "column"
