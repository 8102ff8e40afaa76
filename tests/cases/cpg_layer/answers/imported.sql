-- What is imported where.
SELECT path, line, imported, imported_kind, imported_path, is_type_only, is_local FROM imports
