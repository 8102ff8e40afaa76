-- Whom NAME calls. $1 is the name, $2 how many calls away.
WITH RECURSIVE found AS (
  SELECT symbol_id, CAST(0 AS BIGINT) AS depth
  FROM symbols
  WHERE (qualified_name = $1 OR ends_with(qualified_name, '.' || $1) OR ends_with(qualified_name, '::' || $1))
    AND kind NOT IN ('parameter', 'variable')
  UNION
  SELECT c.callee_id, f.depth + 1 FROM found f JOIN calls c ON c.caller_id = f.symbol_id WHERE f.depth + 1 < $2
)
SELECT MIN(f.depth) + 1 AS depth, c.caller, c.callee, c.path, c.line, c.method, c.confidence
FROM found f
JOIN calls c ON c.caller_id = f.symbol_id
GROUP BY c.caller, c.callee, c.path, c.line, c.method, c.confidence
ORDER BY depth, c.path, c.line, c.callee
