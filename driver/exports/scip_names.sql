-- What makes the name of a symbol: its place below others, its own name, how names of its kind end, and which of those with all
-- this in common it is.
SELECT symbol_id, owner_id, ending, name, path,
       row_number() OVER (
         PARTITION BY owner_id, CASE WHEN owner_id IS NULL THEN path END, ending, name
         ORDER BY path, bstart, bend, symbol_id
       ) - 1 AS ordinal
FROM (
  SELECT symbol_id, owner_id, name, path, bstart, bend,
         CASE WHEN kind = 'module' AND owner_id IS NULL THEN 'file'
              WHEN kind = 'module' THEN 'namespace'
              WHEN kind IN ('function', 'method') THEN 'method'
              WHEN kind IN ('class', 'interface', 'enum', 'type') THEN 'type'
              WHEN kind IN ('parameter', 'type_parameter', 'macro') THEN kind
              ELSE 'term' END AS ending
  FROM symbols
) s
ORDER BY symbol_id
