-- The lists hold exactly the edges.
WITH by_src AS (SELECT src_node_id, unnest(edges) AS edge FROM cpg_edges_by_src),
     by_dst AS (SELECT dst_node_id, unnest(edges) AS edge FROM cpg_edges_by_dst),
     listed AS (SELECT edge['edge_id'] AS edge_id, src_node_id, edge['dst_node_id'] AS dst_node_id FROM by_src),
     listed_back AS (SELECT edge['edge_id'] AS edge_id, edge['src_node_id'] AS src_node_id, dst_node_id FROM by_dst),
     edges AS (SELECT edge_id, src_node_id, dst_node_id FROM cpg_edges)
SELECT (SELECT count(*) FROM (SELECT * FROM listed EXCEPT ALL SELECT * FROM edges)) AS extra,
       (SELECT count(*) FROM (SELECT * FROM edges EXCEPT ALL SELECT * FROM listed)) AS missing,
       (SELECT count(*) FROM (SELECT * FROM listed_back EXCEPT ALL SELECT * FROM edges)) AS extra_back,
       (SELECT count(*) FROM (SELECT * FROM edges EXCEPT ALL SELECT * FROM listed_back)) AS missing_back
