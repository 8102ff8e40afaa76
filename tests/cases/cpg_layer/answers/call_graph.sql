-- Who calls whom.
SELECT caller, callee, callee_kind, path, line, method FROM calls
