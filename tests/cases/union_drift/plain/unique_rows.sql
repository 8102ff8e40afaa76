SELECT name, id, score, tag FROM new UNION SELECT name, id, CAST(score AS DOUBLE), CAST(NULL AS VARCHAR) FROM old
