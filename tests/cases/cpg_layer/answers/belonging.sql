-- What belongs to what, inherited or not.
SELECT m.owner, m.name, m.kind, s.qualified_name AS inherited_from
FROM members m LEFT JOIN symbols s ON s.symbol_id = m.inherited_from_id
