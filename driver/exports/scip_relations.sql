-- Which symbols stand for others, in the order of their files: methods for those they override (also where these are
-- called), classes for their bases.
SELECT path, symbol_id, target_id, name, overrides
FROM (
  SELECT path, method_id AS symbol_id, overridden_id AS target_id, overridden AS name, true AS overrides FROM overrides
  UNION ALL
  SELECT path, subclass_id, base_id, base, false FROM inherits
) x
WHERE target_id IS NOT NULL AND name IS NOT NULL
ORDER BY path, symbol_id, target_id, name, overrides
