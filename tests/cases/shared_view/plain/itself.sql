WITH daily AS (SELECT day, count(*) AS n FROM orders GROUP BY day)
SELECT l.day AS one, r.day AS other FROM daily l JOIN daily r ON l.n = r.n
