-- Files that import each other in circles when they are loaded: what only checks of types read, and what functions import
-- when they run, is none.
WITH RECURSIVE steps AS (
  SELECT DISTINCT path, imported_path FROM imports
  WHERE imported_path IS NOT NULL AND path <> imported_path AND NOT is_type_only AND NOT is_local
), reached AS (
  SELECT path, imported_path FROM steps
  UNION
  SELECT r.path, s.imported_path FROM reached r JOIN steps s ON s.path = r.imported_path
), pairs AS (
  -- Each reaches the other.
  SELECT LEAST(path, imported_path) AS first, GREATEST(path, imported_path) AS second
  FROM reached
  WHERE path <> imported_path
  GROUP BY first, second
  HAVING COUNT(*) = 2
), circles AS (
  -- A circle is named by the first of its files.
  SELECT path, MIN(first) AS circle
  FROM (SELECT first, UNNEST([first, second]) AS path FROM pairs) p
  GROUP BY path
)
SELECT c.circle, e.path, e.imported_path AS imports
FROM (SELECT path, imported_path, UNNEST([path, imported_path]) AS side FROM steps) e
JOIN circles c ON c.path = e.side
GROUP BY c.circle, e.path, e.imported_path
HAVING COUNT(*) = 2
ORDER BY c.circle, e.path, imports
