SELECT customer, CAST(character_length("Note") AS BIGINT) AS length FROM orders
