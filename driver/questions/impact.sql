-- What may behave differently when NAME changes: all that reach it by calls. $1 is the name, $2 how many calls away.
WITH RECURSIVE found AS (
  SELECT DISTINCT callee_id AS symbol_id, CAST(0 AS BIGINT) AS depth
  FROM calls
  WHERE callee = $1 OR ends_with(callee, '.' || $1) OR ends_with(callee, '::' || $1)
     OR callee = $1 || '.__init__' OR ends_with(callee, '.' || $1 || '.__init__')
     OR callee = $1 || '.constructor' OR ends_with(callee, '.' || $1 || '.constructor')
  UNION
  SELECT c.caller_id, f.depth + 1 FROM found f JOIN calls c ON c.callee_id = f.symbol_id WHERE f.depth < $2
)
SELECT MIN(f.depth) AS depth, s.qualified_name AS symbol, s.kind, s.is_test, s.path, s.line
FROM found f
JOIN symbols s ON s.symbol_id = f.symbol_id
WHERE f.depth > 0
GROUP BY s.qualified_name, s.kind, s.is_test, s.path, s.line
ORDER BY depth, symbol, s.path, s.line
