-- What stays open.
SELECT kind, name, reason, path, line FROM unresolved
