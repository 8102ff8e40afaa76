SELECT a.id AS id_a, a.name AS name_a, b.id AS id_b, b.author, b.name AS name_b, b.country
FROM authors a RIGHT JOIN books b ON a.country = b.country
