-- Which methods take the place of which.
SELECT method, overridden, path, line FROM overrides
