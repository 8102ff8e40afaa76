SELECT s.scope, n.name FROM scopes s RIGHT JOIN names n ON s.file = n.file AND s.start = n."from" AND s."end" = n."to"
