SELECT node_id AS id, node_kind AS kind, name, language, path, line, column_utf8, column_utf16, end_line, bstart, bend
FROM cpg_nodes
