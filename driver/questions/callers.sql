-- Who calls NAME: a function, or a class, whose objects are made by calling it. $1 is the name, $2 how many calls away.
WITH RECURSIVE found AS (
  SELECT DISTINCT callee_id AS symbol_id, CAST(0 AS BIGINT) AS depth
  FROM calls
  WHERE callee = $1 OR ends_with(callee, '.' || $1) OR ends_with(callee, '::' || $1)
     OR callee = $1 || '.__init__' OR ends_with(callee, '.' || $1 || '.__init__')
     OR callee = $1 || '.constructor' OR ends_with(callee, '.' || $1 || '.constructor')
  UNION
  SELECT c.caller_id, f.depth + 1 FROM found f JOIN calls c ON c.callee_id = f.symbol_id WHERE f.depth + 1 < $2
)
SELECT MIN(f.depth) + 1 AS depth, c.caller, c.callee, c.path, c.line, c.method, c.confidence
FROM found f
JOIN calls c ON c.callee_id = f.symbol_id
GROUP BY c.caller, c.callee, c.path, c.line, c.method, c.confidence
ORDER BY depth, c.path, c.line, c.callee
