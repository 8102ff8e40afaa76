-- Functions, methods and classes that nothing in the repository uses. Tests, what takes the place of another, and what
-- the language calls by itself are used by others.
SELECT s.qualified_name AS symbol, s.kind, s.visibility, s.path, s.line
FROM symbols s
LEFT ANTI JOIN calls c ON c.callee_id = s.symbol_id
LEFT ANTI JOIN "references" r ON r.symbol_id = s.symbol_id
LEFT ANTI JOIN imports i ON i.imported_id = s.symbol_id
LEFT ANTI JOIN overrides o ON o.method_id = s.symbol_id
WHERE s.kind IN ('function', 'method', 'class', 'interface', 'enum', 'macro')
  AND NOT s.is_test AND s.name <> 'main' AND s.name <> 'constructor' AND NOT (starts_with(s.name, '__') AND ends_with(s.name, '__'))
ORDER BY s.path, s.line
