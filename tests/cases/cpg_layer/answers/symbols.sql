-- What there is, without what is local.
SELECT language, kind, qualified_name, path, line, end_line, visibility, is_test FROM symbols WHERE visibility <> 'local'
