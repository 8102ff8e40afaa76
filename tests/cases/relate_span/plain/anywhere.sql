SELECT s.scope, n.name FROM scopes s JOIN names n ON s.start < n."to" AND n."from" < s."end"
