-- Where what is not local is used.
SELECT r.symbol, r.symbol_kind, r.context, r.is_written, r.path, r.line
FROM "references" r LEFT JOIN symbols s ON s.symbol_id = r.symbol_id
WHERE r.symbol_kind <> 'external' AND s.visibility <> 'local'
