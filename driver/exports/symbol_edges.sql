-- What the tables that people ask for say of two symbols. Ends without a name are no symbols.
SELECT caller_id AS source, callee_id AS target, 'CALLS' AS kind, path, line, column_utf8, column_utf16, method,
       confidence, score, ambiguity_group_id AS ambiguity_group, reason
FROM calls
WHERE callee_id IS NOT NULL AND callee IS NOT NULL
UNION ALL
SELECT owner_id, symbol_id, 'CONTAINS', path, line, column_utf8, column_utf16, NULL, NULL, NULL, NULL, NULL
FROM symbols
WHERE owner_id IN (SELECT symbol_id FROM symbols)
UNION ALL
SELECT importer_id, imported_id, 'IMPORTS', path, line, column_utf8, column_utf16, method, NULL, NULL, NULL, NULL
FROM imports
WHERE imported_id IS NOT NULL AND imported IS NOT NULL
UNION ALL
SELECT subclass_id, base_id, 'INHERITS', path, line, NULL, NULL, NULL, confidence, NULL, NULL, NULL
FROM inherits
WHERE base_id IS NOT NULL AND base IS NOT NULL
UNION ALL
SELECT method_id, overridden_id, 'OVERRIDES', path, line, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM overrides
WHERE overridden_id IS NOT NULL
UNION ALL
SELECT used_in_id, symbol_id, 'REFERS_TO', path, line, column_utf8, column_utf16, method, confidence, score,
       ambiguity_group_id, reason
FROM "references"
WHERE symbol_id IS NOT NULL AND symbol IS NOT NULL
UNION ALL
SELECT test_id, symbol_id, 'TESTS', path, line, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM tests_of
