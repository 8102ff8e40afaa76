-- Functions, methods and classes that nothing in the repository uses. Tests, what takes the place of another, and what
-- the language calls by itself are used by others; a method may be what a call means of which nobody knows the object.
SELECT s.qualified_name AS symbol, s.kind, s.visibility, s.path, s.line,
       s.kind = 'method' AND u.name IS NOT NULL AS may_be_called
FROM symbols s
LEFT ANTI JOIN calls c ON c.callee_id = s.symbol_id
LEFT ANTI JOIN "references" r ON r.symbol_id = s.symbol_id
LEFT ANTI JOIN imports i ON i.imported_id = s.symbol_id
LEFT ANTI JOIN overrides o ON o.method_id = s.symbol_id
LEFT JOIN (SELECT DISTINCT split_part(name, '.', -1) AS name FROM unresolved WHERE kind <> 'import') u ON u.name = s.name
WHERE s.kind IN ('function', 'method', 'class', 'interface', 'enum', 'macro')
  AND NOT s.is_test AND s.name <> 'main' AND s.name <> 'constructor' AND NOT (starts_with(s.name, '__') AND ends_with(s.name, '__'))
ORDER BY may_be_called, s.path, s.line
