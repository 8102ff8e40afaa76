-- Which methods take the place of NAME, and whose place it takes. $1 is the name of a method.
SELECT method, overridden, path, line
FROM overrides
WHERE method = $1 OR ends_with(method, '.' || $1) OR ends_with(method, '::' || $1)
   OR overridden = $1 OR ends_with(overridden, '.' || $1) OR ends_with(overridden, '::' || $1)
ORDER BY overridden, method, path, line
