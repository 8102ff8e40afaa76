-- Everything in a file has exactly one parent, whose bytes hold it.
WITH parents AS (
  SELECT n.node_id, count(e.edge_id) AS parents,
         count(*) FILTER (WHERE p.bstart IS NULL OR p.bstart <= n.bstart AND n.bend <= p.bend) AS holding
  FROM cpg_nodes n LEFT JOIN cpg_edges e ON e.dst_node_id = n.node_id AND e.edge_kind = 'CONTAINS'
  LEFT JOIN cpg_nodes p ON p.node_id = e.src_node_id
  WHERE n.bstart IS NOT NULL AND n.node_kind NOT IN ('FILE', 'SCOPE') GROUP BY n.node_id
)
SELECT count(*) FILTER (WHERE parents <> 1 OR holding <> 1) AS wrong, count(*) > 100 AS many FROM parents
