SELECT id, "Note", coalesce(upper(customer), 'nobody') AS who, CAST(round(amount * 100) AS BIGINT) AS cents,
       CASE WHEN amount >= 10 THEN 'large' WHEN amount IS NOT NULL THEN 'small' END AS size
FROM orders WHERE paid AND coalesce(amount, 0) > -1
