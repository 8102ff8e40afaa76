SELECT sensor, CAST(row_number() OVER w AS BIGINT) AS place, lag(value) OVER w AS before, sum(value) OVER w AS so_far
FROM readings WINDOW w AS (PARTITION BY sensor ORDER BY at)
