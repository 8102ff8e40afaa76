-- How NAME comes to call TO: the calls of all shortest ways. $1 is the name, $3 the other, $2 how many calls long at most.
WITH RECURSIVE ahead AS (
  SELECT symbol_id, CAST(0 AS BIGINT) AS depth
  FROM symbols
  WHERE (qualified_name = $1 OR ends_with(qualified_name, '.' || $1) OR ends_with(qualified_name, '::' || $1))
    AND kind NOT IN ('parameter', 'variable')
  UNION
  SELECT c.callee_id, a.depth + 1 FROM ahead a JOIN calls c ON c.caller_id = a.symbol_id WHERE a.depth < $2
), behind AS (
  SELECT DISTINCT callee_id AS symbol_id, CAST(0 AS BIGINT) AS depth
  FROM calls
  WHERE callee = $3 OR ends_with(callee, '.' || $3) OR ends_with(callee, '::' || $3)
  UNION
  SELECT c.caller_id, b.depth + 1 FROM behind b JOIN calls c ON c.callee_id = b.symbol_id WHERE b.depth < $2
), first AS (SELECT symbol_id, MIN(depth) AS depth FROM ahead GROUP BY symbol_id),
last AS (SELECT symbol_id, MIN(depth) AS depth FROM behind GROUP BY symbol_id),
shortest AS (SELECT MIN(f.depth + l.depth) AS depth FROM first f JOIN last l ON l.symbol_id = f.symbol_id)
SELECT DISTINCT f.depth + 1 AS step, c.caller, c.callee, c.path, c.line, c.method, c.confidence
FROM calls c
JOIN first f ON f.symbol_id = c.caller_id
JOIN last l ON l.symbol_id = c.callee_id
CROSS JOIN shortest s
WHERE f.depth + 1 + l.depth = s.depth AND s.depth <= $2
ORDER BY step, c.path, c.line
