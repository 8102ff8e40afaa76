-- What is named and lies outside of the repository.
SELECT DISTINCT f.language, u.name
FROM (
  SELECT symbol AS name, path FROM "references" WHERE symbol_kind = 'external' AND symbol_id IS NOT NULL
  UNION ALL
  SELECT imported, path FROM imports WHERE imported_kind = 'external' AND imported_id IS NOT NULL AND NOT is_star
  UNION ALL
  SELECT base, path FROM inherits WHERE base_kind = 'external' AND base_id IS NOT NULL
) u
JOIN extract.files f ON f.path = u.path
WHERE u.name IS NOT NULL AND f.language IS NOT NULL
ORDER BY f.language, u.name
