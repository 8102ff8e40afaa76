-- Files that import each other in circles when they are loaded: what only checks of types read, and what functions import
-- when they run, is none.
WITH RECURSIVE steps AS (
  SELECT DISTINCT path, imported_path FROM imports
  WHERE imported_path IS NOT NULL AND path <> imported_path AND NOT is_type_only AND NOT is_local
), reached AS (
  SELECT path, imported_path FROM steps
  UNION
  SELECT r.path, s.imported_path FROM reached r JOIN steps s ON s.path = r.imported_path
), circles AS (
  SELECT a.path, LEAST(a.path, MIN(a.imported_path)) AS circle
  FROM reached a
  JOIN reached b ON b.path = a.imported_path AND b.imported_path = a.path
  GROUP BY a.path
)
SELECT DISTINCT c.circle, s.path, s.imported_path AS imports
FROM steps s
JOIN circles c ON c.path = s.path
JOIN circles d ON d.path = s.imported_path AND d.circle = c.circle
ORDER BY c.circle, s.path, imports
