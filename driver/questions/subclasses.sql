-- What derives from NAME, or has it as a trait. $1 is the name, $2 how many steps down.
WITH RECURSIVE found AS (
  SELECT subclass_id, CAST(1 AS BIGINT) AS depth
  FROM inherits
  WHERE base = $1 OR ends_with(base, '.' || $1) OR ends_with(base, '::' || $1)
  UNION
  SELECT i.subclass_id, f.depth + 1 FROM found f JOIN inherits i ON i.base_id = f.subclass_id WHERE f.depth < $2
)
SELECT MIN(f.depth) AS depth, s.qualified_name AS subclass, s.kind, s.path, s.line
FROM found f
JOIN symbols s ON s.symbol_id = f.subclass_id
GROUP BY s.qualified_name, s.kind, s.path, s.line
ORDER BY depth, subclass, s.path, s.line
