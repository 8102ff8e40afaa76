SELECT path, language FROM extract.files WHERE language IS NOT NULL ORDER BY path
