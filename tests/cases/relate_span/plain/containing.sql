SELECT s.scope, n.name FROM scopes s JOIN names n ON s.file = n.file AND s.start <= n."from" AND n."to" <= s."end"
