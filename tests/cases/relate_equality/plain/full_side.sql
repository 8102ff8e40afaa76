SELECT a.id AS author_id, b.id AS book_id FROM authors a FULL JOIN books b ON a.id = b.author
