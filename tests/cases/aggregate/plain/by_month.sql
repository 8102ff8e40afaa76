SELECT CAST(extract(month FROM day) AS BIGINT) AS month, max(day) AS last_day FROM sales GROUP BY 1
