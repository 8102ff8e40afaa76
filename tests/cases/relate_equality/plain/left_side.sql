SELECT a.id AS id_author, a.name AS name_author, a.country AS country_author,
       b.id AS id_book, b.author, b.name AS name_book, b.country AS country_book
FROM authors a LEFT JOIN books b ON a.id = b.author
