-- Every scope has one node that opens it, and those that are not a file's have one scope around them, whose bytes hold it.
WITH around AS (
  SELECT s.node_id, MIN(s.path) AS path, count(DISTINCT o.src_node_id) AS owners, count(DISTINCT p.edge_id) AS parents,
         count(DISTINCT p.edge_id) FILTER (WHERE a.bstart <= s.bstart AND s.bend <= a.bend) AS holding
  FROM cpg_nodes s
  LEFT JOIN cpg_edges o ON o.dst_node_id = s.node_id AND o.edge_kind = 'OWNS_SCOPE'
  LEFT JOIN cpg_edges p ON p.src_node_id = s.node_id AND p.edge_kind = 'PARENT_SCOPE'
  LEFT JOIN cpg_nodes a ON a.node_id = p.dst_node_id
  WHERE s.node_kind = 'SCOPE' GROUP BY s.node_id
)
SELECT count(*) FILTER (WHERE owners <> 1 OR parents > 1 OR holding <> parents) AS wrong,
       count(*) FILTER (WHERE parents = 0) = count(DISTINCT path) AS one_a_file, count(*) > 5 AS many
FROM around
