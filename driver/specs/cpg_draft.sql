-- The code property graph as SQL views over the extraction tables.
--
-- Written for DataFusion (also accepted by DuckDB). One function is not SQL: stable_id64(kind, part, ...),
-- the length-safe 63-bit hash every identifier of the graph is made with.
--
-- Layers: names -> resolution of references -> modules and members -> calls and imports -> edges -> nodes
-- -> properties. Every view is a plain SELECT; views only use views above them.

-- ---------------------------------------------------------------------------------------------------------
-- Names
-- ---------------------------------------------------------------------------------------------------------

-- What each scope answers for a name: its own declaration, or what a redirect points to. A redirect whose
-- target does not declare the name has no definition: the name is then not bound in the file.
CREATE VIEW scope_answers AS
SELECT d.file_id, d.scope_id, d.name, d.namespace,
       d.def_id AS target_def_id, d.node_id AS target_node_id, d.scope_id AS target_scope_id,
       'lexical' AS method, 0 AS redirected
FROM defs d
WHERE d.is_declaration AND d.namespace <> 'member'
UNION ALL
SELECT r.file_id, r.scope_id, r.name, COALESCE(d.namespace, 'any') AS namespace,
       d.def_id AS target_def_id, d.node_id AS target_node_id, r.target_scope_id,
       r.kind AS method, 1 AS redirected
FROM scope_redirects r
LEFT JOIN (SELECT * FROM defs WHERE is_declaration AND namespace <> 'member') d
  ON d.file_id = r.file_id AND d.scope_id = r.target_scope_id AND d.name = r.name;

-- References that are looked up in scopes; attributes are looked up in objects.
CREATE VIEW lexical_refs AS
SELECT * FROM refs WHERE context <> 'attribute';

-- The scopes around each lookup, by spans (a span join: contains); tightness 1 is the innermost.
CREATE VIEW lookup_scopes AS
SELECT r.ref_id, r.name, r.namespace, s.scope_id, s.visible_to_nested,
       ROW_NUMBER() OVER (PARTITION BY r.ref_id ORDER BY s.bend - s.bstart, s.depth DESC) AS tightness
FROM lexical_refs r
JOIN scopes s
  ON s.file_id = r.file_id AND s.bstart <= r.lookup_start AND r.lookup_end <= s.bend;

-- ---------------------------------------------------------------------------------------------------------
-- Resolution of references
-- ---------------------------------------------------------------------------------------------------------

-- Every scope around a lookup that answers for the name. A scope invisible to nested scopes (a class in
-- Python) counts only when it is the innermost of all.
CREATE VIEW ref_candidates AS
SELECT l.ref_id, a.target_def_id, a.target_node_id, a.target_scope_id, a.method,
       ROW_NUMBER() OVER (
         PARTITION BY l.ref_id
         ORDER BY l.tightness, a.redirected DESC,
                  CASE WHEN a.namespace = l.namespace THEN 0 ELSE 1 END, a.target_node_id
       ) AS preference
FROM lookup_scopes l
JOIN scope_answers a
  ON a.scope_id = l.scope_id AND a.name = l.name
WHERE (a.namespace = l.namespace OR a.namespace = 'any' OR l.namespace = 'any')
  AND (l.visible_to_nested OR l.tightness = 1);

-- One row per lexical reference; target columns are NULL when the file does not bind the name.
CREATE VIEW ref_targets AS
SELECT r.ref_id, r.file_id, r.path, r.node_id, r.name, r.context, r.bstart, r.bend, r.enclosing_def_id,
       c.target_def_id, c.target_node_id, c.target_scope_id,
       CASE WHEN c.target_node_id IS NULL THEN 'unbound' ELSE c.method END AS method,
       d.kind AS target_kind, d.bindings AS target_bindings
FROM lexical_refs r
LEFT JOIN (SELECT * FROM ref_candidates WHERE preference = 1) c ON c.ref_id = r.ref_id
LEFT JOIN (
  SELECT d.def_id, d.kind, n.bindings
  FROM defs d
  JOIN (SELECT scope_id, name, COUNT(*) AS bindings FROM defs GROUP BY scope_id, name) n
    ON n.scope_id = d.scope_id AND n.name = d.name
) d ON d.def_id = c.target_def_id;

-- ---------------------------------------------------------------------------------------------------------
-- Modules and their members
-- ---------------------------------------------------------------------------------------------------------

-- One file per module of a source root. A stub (.pyi) yields to the module itself.
CREATE VIEW modules AS
SELECT file_id, path, language, module, source_root, node_id
FROM (
  SELECT file_id, path, language, module, source_root, node_id,
         ROW_NUMBER() OVER (PARTITION BY language, source_root, module ORDER BY path) AS preference
  FROM files
  WHERE module IS NOT NULL
) ranked
WHERE preference = 1;

-- Names declared at the top of a module.
CREATE VIEW module_names AS
SELECT m.language, m.source_root, m.module, d.name, d.def_id, d.node_id, d.kind
FROM modules m
JOIN scopes s ON s.file_id = m.file_id AND s.parent_scope_id IS NULL
JOIN defs d ON d.file_id = s.file_id AND d.scope_id = s.scope_id AND d.is_declaration AND d.namespace <> 'member';

-- The module each import names, when the repository has it. The importing file's own source root is
-- preferred; Rust's `crate` means that root only.
CREATE VIEW import_modules AS
SELECT import_id, module_node_id, language, source_root, module
FROM (
  SELECT i.import_id, m.node_id AS module_node_id, m.language, m.source_root, m.module,
         ROW_NUMBER() OVER (
           PARTITION BY i.import_id
           ORDER BY CASE WHEN m.source_root = f.source_root THEN 0 ELSE 1 END, m.path
         ) AS preference
  FROM imports i
  JOIN files f ON f.file_id = i.file_id
  JOIN modules m ON m.module = i.module AND m.language = f.language
  WHERE f.language <> 'rust' OR m.source_root = f.source_root
) ranked
WHERE preference = 1;

-- Imported names that are modules themselves: `from package import module`, `use crate::a::module`.
CREATE VIEW import_submodules AS
SELECT import_id, module_node_id, language, source_root, module
FROM (
  SELECT i.import_id, m.node_id AS module_node_id, m.language, m.source_root, m.module,
         ROW_NUMBER() OVER (
           PARTITION BY i.import_id
           ORDER BY CASE WHEN m.source_root = f.source_root THEN 0 ELSE 1 END, m.path
         ) AS preference
  FROM imports i
  JOIN files f ON f.file_id = i.file_id
  JOIN modules m
    ON m.module = CASE WHEN f.language = 'rust' THEN i.module || '::' || i.name ELSE i.module || '.' || i.name END
   AND m.language = f.language
  WHERE i.name IS NOT NULL AND (f.language <> 'rust' OR m.source_root = f.source_root)
) ranked
WHERE preference = 1;

-- Members of modules: own definitions, and what the module imports by name from modules of the repository,
-- through at most two modules in between.
CREATE VIEW members_0 AS
SELECT language, source_root, module, name, node_id, kind
FROM module_names
WHERE kind <> 'import';

CREATE VIEW reexports AS
SELECT n.language, n.source_root, n.module, n.name,
       im.source_root AS from_source_root, im.module AS from_module, i.name AS from_name
FROM module_names n
JOIN imports i ON i.def_id = n.def_id
JOIN import_modules im ON im.import_id = i.import_id
WHERE n.kind = 'import' AND i.name IS NOT NULL;

CREATE VIEW star_reexports AS
SELECT m.language, m.source_root, m.module, im.source_root AS from_source_root, im.module AS from_module
FROM imports i
JOIN import_modules im ON im.import_id = i.import_id
JOIN modules m ON m.file_id = i.file_id
WHERE i.is_star;

CREATE VIEW members_1 AS
SELECT language, source_root, module, name, MIN(node_id) AS node_id, MIN(kind) AS kind
FROM (
  SELECT language, source_root, module, name, node_id, kind FROM members_0
  UNION
  SELECT r.language, r.source_root, r.module, r.name, m.node_id, m.kind
  FROM reexports r
  JOIN members_0 m
    ON m.language = r.language AND m.source_root = r.from_source_root AND m.module = r.from_module
   AND m.name = r.from_name
  UNION
  SELECT r.language, r.source_root, r.module, m.name, m.node_id, m.kind
  FROM star_reexports r
  JOIN members_0 m
    ON m.language = r.language AND m.source_root = r.from_source_root AND m.module = r.from_module
  WHERE NOT starts_with(m.name, '_')
) found
GROUP BY language, source_root, module, name
HAVING COUNT(DISTINCT node_id) = 1;

CREATE VIEW members AS
SELECT language, source_root, module, name, MIN(node_id) AS node_id, MIN(kind) AS kind
FROM (
  SELECT language, source_root, module, name, node_id, kind FROM members_1
  UNION
  SELECT r.language, r.source_root, r.module, r.name, m.node_id, m.kind
  FROM reexports r
  JOIN members_1 m
    ON m.language = r.language AND m.source_root = r.from_source_root AND m.module = r.from_module
   AND m.name = r.from_name
) found
GROUP BY language, source_root, module, name
HAVING COUNT(DISTINCT node_id) = 1;

-- What each import stands for: a member, a module of the repository, or something outside.
CREATE VIEW import_targets AS
SELECT i.import_id, i.file_id, i.path, i.node_id, i.def_id, i.bstart, i.bend, f.language,
       CASE WHEN i.is_star OR i.name IS NULL THEN im.module_node_id
            ELSE COALESCE(mb.node_id, sm.module_node_id) END AS target_node_id,
       mb.kind AS member_kind,
       CASE WHEN i.is_star OR i.name IS NULL THEN im.module
            WHEN mb.node_id IS NULL THEN sm.module END AS target_module,
       CASE WHEN i.is_star OR i.name IS NULL THEN im.source_root
            WHEN mb.node_id IS NULL THEN sm.source_root END AS target_source_root,
       -- The absolute name, for externals.
       CASE WHEN i.name IS NULL THEN COALESCE(i.module, i.raw_module)
            WHEN f.language = 'rust' THEN CASE WHEN COALESCE(i.module, '') = '' THEN i.name ELSE i.module || '::' || i.name END
            ELSE COALESCE(i.module, i.raw_module) || '.' || i.name END AS absolute_name
FROM imports i
JOIN files f ON f.file_id = i.file_id
LEFT JOIN import_modules im ON im.import_id = i.import_id
LEFT JOIN import_submodules sm ON sm.import_id = i.import_id
LEFT JOIN members mb
  ON mb.language = im.language AND mb.source_root = im.source_root AND mb.module = im.module AND mb.name = i.name;

-- ---------------------------------------------------------------------------------------------------------
-- Calls
-- ---------------------------------------------------------------------------------------------------------

-- Classes and impl blocks by the scope that holds their members.
CREATE VIEW type_members AS
SELECT s.file_id, s.scope_id AS type_scope_id, s.node_id AS type_node_id, s.name AS type_name,
       d.name, d.node_id, d.kind
FROM scopes s
JOIN defs d ON d.file_id = s.file_id AND d.scope_id = s.scope_id AND d.is_declaration
WHERE s.kind IN ('class', 'impl', 'trait', 'enum');

-- The class (or impl) whose method's body contains a call: the definition's own scope is that of the class.
CREATE VIEW call_owners AS
SELECT c.call_id, s.scope_id AS type_scope_id, s.name AS type_name
FROM calls c
JOIN defs d ON d.def_id = c.enclosing_def_id
JOIN scopes s ON s.scope_id = d.scope_id
WHERE s.kind IN ('class', 'impl', 'trait');

-- Members a class has of its own or from base classes declared in the same file, one level up.
CREATE VIEW base_members AS
SELECT s.scope_id AS type_scope_id, tm.name, MIN(tm.node_id) AS node_id
FROM scopes s
JOIN syntax_nodes sn ON sn.parent_id = s.node_id AND sn.field = 'superclasses'
JOIN syntax_nodes base ON base.parent_id = sn.node_id AND base.kind = 'identifier'
JOIN ref_targets r ON r.node_id = base.node_id
JOIN type_members tm ON tm.type_node_id = r.target_node_id
WHERE s.kind = 'class' AND tm.kind IN ('method', 'function')
GROUP BY s.scope_id, tm.name
HAVING COUNT(DISTINCT tm.node_id) = 1;

-- The first name of an attribute call's receiver, with what it refers to. The receiver starts where the call
-- starts.
CREATE VIEW call_heads AS
SELECT c.call_id, r.name AS head_name, r.target_def_id, r.target_node_id, r.target_kind,
       it.target_node_id AS imported_node_id, it.target_module, it.target_source_root, it.language,
       it.absolute_name, it.member_kind
FROM calls c
JOIN ref_targets r ON r.file_id = c.file_id AND r.bstart = c.bstart
LEFT JOIN import_targets it ON it.def_id = r.target_def_id
WHERE c.shape IN ('attribute', 'path')
  AND r.name = split_part(split_part(c.receiver, '.', 1), '::', 1);

-- Every way in which a call may be resolved, with its rank; the best one wins.
CREATE VIEW call_candidates AS
-- 1. A name bound in the file to a function or type.
SELECT c.call_id, r.target_node_id AS node_id, 'lexical' AS method,
       CASE WHEN r.target_bindings = 1 THEN 1.0 ELSE 0.8 END AS confidence, 1 AS preference
FROM calls c
JOIN ref_targets r ON r.ref_id = c.callee_ref_id
WHERE r.target_kind IN ('function', 'async_function', 'method', 'class', 'struct', 'macro')
UNION ALL
-- 2. A name imported from a module of the repository.
SELECT c.call_id, it.target_node_id, 'import' AS method, 0.95 AS confidence, 2 AS preference
FROM calls c
JOIN ref_targets r ON r.ref_id = c.callee_ref_id
JOIN import_targets it ON it.def_id = r.target_def_id
WHERE it.target_node_id IS NOT NULL AND it.member_kind IS NOT NULL
UNION ALL
-- 3. self.name(): a method of the enclosing class, or of a base class in the file.
SELECT c.call_id, tm.node_id, 'self_method' AS method, 0.9 AS confidence, 3 AS preference
FROM calls c
JOIN call_owners o ON o.call_id = c.call_id
JOIN type_members tm ON tm.type_scope_id = o.type_scope_id AND tm.name = c.callee_name
WHERE c.receiver IN ('self', 'cls', 'Self') AND tm.kind IN ('method', 'function', 'class')
UNION ALL
SELECT c.call_id, bm.node_id, 'inherited_method' AS method, 0.8 AS confidence, 4 AS preference
FROM calls c
JOIN call_owners o ON o.call_id = c.call_id
JOIN base_members bm ON bm.type_scope_id = o.type_scope_id AND bm.name = c.callee_name
WHERE c.receiver IN ('self', 'cls')
UNION ALL
-- 4. In Rust other impl blocks of the same type, in the file.
SELECT c.call_id, MIN(tm.node_id) AS node_id, 'self_method' AS method, 0.8 AS confidence, 4 AS preference
FROM calls c
JOIN call_owners o ON o.call_id = c.call_id
JOIN type_members tm ON tm.file_id = c.file_id AND tm.type_name = o.type_name AND tm.name = c.callee_name
WHERE c.receiver IN ('self', 'Self') AND tm.kind IN ('method', 'function')
GROUP BY c.call_id
HAVING COUNT(DISTINCT tm.node_id) = 1
UNION ALL
-- 5. Type.name() with a type of the file.
SELECT c.call_id, MIN(tm.node_id) AS node_id, 'type_member' AS method, 0.9 AS confidence, 5 AS preference
FROM calls c
JOIN call_heads h ON h.call_id = c.call_id
JOIN type_members tm ON tm.file_id = c.file_id AND tm.type_name = h.head_name AND tm.name = c.callee_name
WHERE c.receiver = h.head_name AND h.target_kind IN ('class', 'struct', 'enum', 'trait', 'union')
GROUP BY c.call_id
HAVING COUNT(DISTINCT tm.node_id) = 1
UNION ALL
-- 6. module.name() with an imported module of the repository.
SELECT c.call_id, m.node_id, 'module_member' AS method, 0.9 AS confidence, 6 AS preference
FROM calls c
JOIN call_heads h ON h.call_id = c.call_id
JOIN members m
  ON m.language = h.language AND m.source_root = h.target_source_root AND m.module = h.target_module
 AND m.name = c.callee_name
WHERE c.receiver = h.head_name AND m.kind IN ('function', 'async_function', 'class', 'struct')
UNION ALL
-- 7. package.module.name() after `import package.module`: the receiver is the module's full name.
SELECT c.call_id, m.node_id, 'module_member' AS method, 0.9 AS confidence, 7 AS preference
FROM calls c
JOIN call_heads h ON h.call_id = c.call_id
JOIN imports i ON i.file_id = c.file_id AND i.kind = 'import' AND i.alias IS NULL AND i.module = c.receiver
JOIN import_modules im ON im.import_id = i.import_id
JOIN members m
  ON m.language = im.language AND m.source_root = im.source_root AND m.module = im.module
 AND m.name = c.callee_name
WHERE h.target_kind = 'import' AND m.kind IN ('function', 'async_function', 'class', 'struct')
UNION ALL
-- 8. imported_type::name() with a type of the repository (Rust).
SELECT c.call_id, MIN(tm.node_id) AS node_id, 'type_member' AS method, 0.85 AS confidence, 8 AS preference
FROM calls c
JOIN call_heads h ON h.call_id = c.call_id
JOIN syntax_nodes sn ON sn.node_id = h.imported_node_id
JOIN type_members tm ON tm.file_id = sn.file_id AND tm.type_name = sn.name AND tm.name = c.callee_name
WHERE c.receiver = h.head_name AND h.member_kind IN ('class', 'struct', 'enum', 'trait', 'union')
GROUP BY c.call_id
HAVING COUNT(DISTINCT tm.node_id) = 1
UNION ALL
-- 9. An unbound name that exactly one of the file's star imports from the repository provides.
SELECT c.call_id, MIN(m.node_id) AS node_id, 'star_import' AS method, 0.8 AS confidence, 9 AS preference
FROM calls c
JOIN ref_targets r ON r.ref_id = c.callee_ref_id
JOIN imports i ON i.file_id = c.file_id AND i.is_star
JOIN import_modules im ON im.import_id = i.import_id
JOIN members m
  ON m.language = im.language AND m.source_root = im.source_root AND m.module = im.module
 AND m.name = c.callee_name
WHERE r.target_node_id IS NULL AND m.kind IN ('function', 'async_function', 'class', 'struct')
GROUP BY c.call_id
HAVING COUNT(DISTINCT m.node_id) = 1;

-- The name of the external a call without a definition goes to: absolute where an import says so, the name
-- itself for unbound names (builtins), and `?.name` where only running the program can tell.
CREATE VIEW call_externals AS
SELECT c.call_id,
       CASE
         WHEN c.shape IN ('name', 'macro') AND it.import_id IS NOT NULL THEN it.absolute_name
         WHEN c.shape IN ('name', 'macro') AND r.target_node_id IS NULL THEN c.callee_text
         WHEN h.absolute_name IS NOT NULL AND c.receiver ~ '^[A-Za-z0-9_.:]+$'
           THEN h.absolute_name || substr(c.callee_text, length(h.head_name) + 1)
         WHEN h.call_id IS NOT NULL AND h.target_node_id IS NULL AND c.receiver ~ '^[A-Za-z0-9_.:]+$' THEN c.callee_text
         WHEN c.shape = 'path' THEN c.callee_text
         ELSE '?.' || COALESCE(c.callee_name, '')
       END AS name,
       CASE
         WHEN it.import_id IS NOT NULL OR h.absolute_name IS NOT NULL THEN 'external_import'
         WHEN c.shape IN ('name', 'macro') AND r.target_node_id IS NULL THEN 'builtin'
         WHEN h.call_id IS NOT NULL AND h.target_node_id IS NULL THEN 'builtin'
         ELSE 'dynamic'
       END AS method
FROM calls c
LEFT JOIN ref_targets r ON r.ref_id = c.callee_ref_id
LEFT JOIN import_targets it ON it.def_id = r.target_def_id
LEFT JOIN call_heads h ON h.call_id = c.call_id;

-- One row per call.
CREATE VIEW call_targets AS
SELECT c.call_id, c.file_id, c.path, c.node_id, c.bstart, c.bend, f.language,
       b.node_id AS target_node_id,
       CASE WHEN b.node_id IS NULL THEN x.name END AS external_name,
       COALESCE(b.method, x.method) AS method,
       CASE WHEN b.node_id IS NOT NULL THEN b.confidence
            WHEN x.method = 'external_import' THEN 0.8
            WHEN x.method = 'builtin' THEN 0.7
            ELSE 0.2 END AS confidence
FROM calls c
JOIN files f ON f.file_id = c.file_id
JOIN call_externals x ON x.call_id = c.call_id
LEFT JOIN (
  SELECT call_id, node_id, method, confidence,
         ROW_NUMBER() OVER (PARTITION BY call_id ORDER BY preference, node_id) AS rank
  FROM call_candidates
  WHERE node_id IS NOT NULL
) b ON b.call_id = c.call_id AND b.rank = 1;

-- ---------------------------------------------------------------------------------------------------------
-- Edges
-- ---------------------------------------------------------------------------------------------------------

-- All edges; the end is a node of a file or the name of an external.
CREATE VIEW edge_ends AS
SELECT 'CONTAINS' AS edge_kind, n.parent_id AS src_node_id, n.node_id AS dst_node_id,
       CAST(NULL AS VARCHAR) AS external_name, CAST(NULL AS VARCHAR) AS language,
       n.file_id, n.path, n.bstart, n.bend, 'syntax' AS origin, 'parent' AS resolution_method, 1.0 AS confidence
FROM syntax_nodes n
UNION ALL
SELECT 'DECLARES', s.node_id, d.node_id, NULL, NULL, d.file_id, d.path, d.name_bstart, d.name_bend,
       'defs', d.kind, 1.0
FROM defs d
JOIN scopes s ON s.scope_id = d.scope_id
WHERE d.is_declaration
UNION ALL
SELECT 'REFERS_TO', r.node_id, r.target_node_id,
       CASE WHEN r.target_node_id IS NULL THEN r.name END, f.language,
       r.file_id, r.path, r.bstart, r.bend, 'refs', r.method,
       CASE WHEN r.target_node_id IS NULL THEN 0.5 ELSE 1.0 END
FROM ref_targets r
JOIN files f ON f.file_id = r.file_id
UNION ALL
SELECT 'CALLS', c.node_id, c.target_node_id, c.external_name, c.language,
       c.file_id, c.path, c.bstart, c.bend, 'calls', c.method, c.confidence
FROM call_targets c
UNION ALL
SELECT 'IMPORTS', i.node_id, i.target_node_id,
       CASE WHEN i.target_node_id IS NULL THEN i.absolute_name END, i.language,
       i.file_id, i.path, i.bstart, i.bend, 'imports',
       CASE WHEN i.target_node_id IS NULL THEN 'external'
            WHEN i.member_kind IS NULL THEN 'module' ELSE 'member' END,
       CASE WHEN i.target_node_id IS NULL THEN 0.8 ELSE 1.0 END
FROM import_targets i
UNION ALL
SELECT 'ARG_OF', a.node_id, a.call_node_id, NULL, NULL, a.file_id, a.path, a.bstart, a.bend,
       'call_args', 'syntax', 1.0
FROM call_args a
UNION ALL
SELECT 'HAS_DECORATOR', d.owner_node_id, d.node_id, NULL, NULL, d.file_id, d.path, d.bstart, d.bend,
       'decorators', 'syntax', 1.0
FROM decorators d
UNION ALL
SELECT 'HAS_DOCSTRING', d.owner_node_id, d.node_id, NULL, NULL, d.file_id, d.path, d.bstart, d.bend,
       'docstrings', 'syntax', 1.0
FROM docstrings d;

CREATE VIEW cpg_edges AS
SELECT stable_id64('EDGE', e.edge_kind, e.src_node_id, e.dst_node_id) AS edge_id,
       e.edge_kind, e.src_node_id, e.dst_node_id, e.file_id, e.path, e.bstart, e.bend,
       e.origin, e.resolution_method, e.confidence
FROM (
  SELECT edge_kind, src_node_id,
         COALESCE(dst_node_id, stable_id64('EXTERNAL', language, external_name)) AS dst_node_id,
         file_id, path, bstart, bend, origin, resolution_method, confidence
  FROM edge_ends
) e;

-- ---------------------------------------------------------------------------------------------------------
-- Nodes
-- ---------------------------------------------------------------------------------------------------------

CREATE VIEW cpg_nodes AS
SELECT f.node_id, 'FILE' AS node_kind, f.file_id, f.path, CAST(0 AS BIGINT) AS bstart, f.size AS bend,
       COALESCE(f.module, f.path) AS name, CAST(NULL AS BIGINT) AS parent_id, f.language
FROM files f
UNION ALL
SELECT n.node_id, n.kind, n.file_id, n.path, n.bstart, n.bend, n.name, n.parent_id, f.language
FROM syntax_nodes n
JOIN files f ON f.file_id = n.file_id
UNION ALL
SELECT stable_id64('EXTERNAL', e.language, e.external_name), 'EXTERNAL', NULL, NULL, NULL, NULL,
       e.external_name, NULL, e.language
FROM (SELECT DISTINCT language, external_name FROM edge_ends WHERE external_name IS NOT NULL) e;

-- ---------------------------------------------------------------------------------------------------------
-- Properties: facts about nodes that are not columns of cpg_nodes
-- ---------------------------------------------------------------------------------------------------------

CREATE VIEW cpg_props AS
SELECT 'node' AS entity_kind, p.entity_id, p.node_kind, p.prop_key,
       CASE WHEN p.value_string IS NOT NULL THEN 'string'
            WHEN p.value_int IS NOT NULL THEN 'int' ELSE 'bool' END AS value_type,
       p.value_string, p.value_int, CAST(NULL AS DOUBLE) AS value_float, p.value_bool,
       CAST(NULL AS VARCHAR) AS value_json
FROM (
  SELECT node_id AS entity_id, 'FILE' AS node_kind, 'sha256' AS prop_key, sha256 AS value_string,
         CAST(NULL AS BIGINT) AS value_int, CAST(NULL AS BOOLEAN) AS value_bool
  FROM files
  UNION ALL
  SELECT node_id, 'FILE', 'size', NULL, size, NULL FROM files
  UNION ALL
  SELECT node_id, 'FILE', 'module', module, NULL, NULL FROM files WHERE module IS NOT NULL
  UNION ALL
  SELECT d.node_id, n.kind, 'def_kind', MIN(d.kind), NULL, NULL
  FROM defs d JOIN syntax_nodes n ON n.node_id = d.node_id GROUP BY d.node_id, n.kind
  UNION ALL
  SELECT r.node_id, n.kind, 'ref_context', r.context, NULL, NULL
  FROM refs r JOIN syntax_nodes n ON n.node_id = r.node_id
  UNION ALL
  SELECT r.node_id, n.kind, 'ref_receiver', r.receiver, NULL, NULL
  FROM refs r JOIN syntax_nodes n ON n.node_id = r.node_id WHERE r.receiver IS NOT NULL
  UNION ALL
  SELECT c.node_id, n.kind, 'callee', c.callee_text, NULL, NULL
  FROM calls c JOIN syntax_nodes n ON n.node_id = c.node_id
  UNION ALL
  SELECT c.node_id, n.kind, 'callee_shape', c.shape, NULL, NULL
  FROM calls c JOIN syntax_nodes n ON n.node_id = c.node_id
  UNION ALL
  SELECT c.node_id, n.kind, 'arg_count', NULL, CAST(c.arg_count AS BIGINT), NULL
  FROM calls c JOIN syntax_nodes n ON n.node_id = c.node_id
  UNION ALL
  SELECT a.node_id, n.kind, 'arg_index', NULL, CAST(a.arg_index AS BIGINT), NULL
  FROM call_args a JOIN syntax_nodes n ON n.node_id = a.node_id
  UNION ALL
  SELECT a.node_id, n.kind, 'arg_keyword', a.keyword, NULL, NULL
  FROM call_args a JOIN syntax_nodes n ON n.node_id = a.node_id WHERE a.keyword IS NOT NULL
  UNION ALL
  SELECT i.node_id, n.kind, 'import_module', COALESCE(i.module, i.raw_module), NULL, NULL
  FROM imports i JOIN syntax_nodes n ON n.node_id = i.node_id WHERE COALESCE(i.module, i.raw_module) IS NOT NULL
  UNION ALL
  SELECT i.node_id, n.kind, 'import_star', NULL, NULL, i.is_star
  FROM imports i JOIN syntax_nodes n ON n.node_id = i.node_id
  UNION ALL
  SELECT d.node_id, n.kind, 'decorator_name', d.name, NULL, NULL
  FROM decorators d JOIN syntax_nodes n ON n.node_id = d.node_id WHERE d.name IS NOT NULL
  UNION ALL
  SELECT d.node_id, n.kind, 'docstring', d.text, NULL, NULL
  FROM docstrings d JOIN syntax_nodes n ON n.node_id = d.node_id
) p;
