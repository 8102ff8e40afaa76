-- Where calls go that stay inside: all ends that CPython calls when the programs run, but the one of a static method whose
-- parameter is called `self` and that of `super` of another class; and the other ends behind branches and of decorated functions.
-- `cls()` and `self.__class__()` go to the class around and those below it.
SELECT e.path, p.value_string AS callee, t.path AS defined_in, t.name, count(*) AS calls
FROM cpg_edges e JOIN cpg_nodes t ON t.node_id = e.dst_node_id
JOIN cpg_props p ON p.entity_id = e.src_node_id AND p.prop_key = 'callee'
WHERE e.edge_kind = 'CALLS' AND t.node_kind <> 'EXTERNAL'
GROUP BY e.path, p.value_string, t.path, t.name
