-- Symbols, and what is named and lies outside of the repository.
SELECT symbol_id AS id, kind, name, qualified_name, language, signature, visibility, is_test, path, line, column_utf8,
       column_utf16, end_line, bstart, bend
FROM symbols
UNION ALL
SELECT id, 'external', name, name, language, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT u.id, MIN(u.name) AS name, MIN(f.language) AS language
  FROM (
    SELECT callee_id AS id, callee AS name, path FROM calls WHERE callee_kind = 'external'
    UNION ALL
    SELECT base_id, base, path FROM inherits WHERE base_kind = 'external'
    UNION ALL
    SELECT imported_id, imported, path FROM imports WHERE imported_kind = 'external'
    UNION ALL
    SELECT symbol_id, symbol, path FROM "references" WHERE symbol_kind = 'external'
  ) u
  JOIN extract.files f ON f.path = u.path
  WHERE u.id IS NOT NULL AND u.name IS NOT NULL
  GROUP BY u.id
) x
