//! Tests of walks and edits, on graphs written in the text form.

use super::*;
use crate::op::Op;
use crate::text::{parse, print};

fn from_text(nodes: &str) -> Graph {
    parse(&format!("graph t phase=resolved\n{nodes}")).unwrap().graph
}

fn names(graph: &Graph, ids: &[NodeId]) -> Vec<String> {
    ids.iter().map(|id| graph.name_of(*id).to_owned()).collect()
}

const DIAMOND: &str = "\
a = scan location=a version=0 rows=1 : {x Int64}
left = filter a predicate=(x > 1)
right = filter a predicate=(x < 1)
both = union_by_name right, left sources=[right, left]
@out = sink both location=out mode=append
";

#[test]
fn walks_put_producers_first_and_break_ties_by_name() {
    let graph = from_text(DIAMOND);
    let order = graph.topological();
    assert_eq!(names(&graph, &order), ["a", "left", "right", "both", "@out"]);
    let both = graph.find("both").unwrap();
    assert_eq!(names(&graph, &graph.inputs(both)), ["right", "left"], "ports keep the order of the text");
    let below = graph.topological_below(both, |_| false);
    assert_eq!(names(&graph, &below).first().map(String::as_str), Some("both"));
    assert_eq!(names(&graph, &below).last().map(String::as_str), Some("a"));
    let stopped = graph.topological_below(both, |id| graph.name_of(id) == "left");
    assert!(names(&graph, &stopped).contains(&"left".to_owned()), "a stop is seen but not passed");
}

#[test]
fn a_cycle_is_named_from_its_smallest_node() {
    let graph = from_text(
        "b = filter a predicate=(x)\nc = filter b predicate=(x)\na = filter c predicate=(x)\nd = filter a predicate=(x)\n",
    );
    assert_eq!(names(&graph, &graph.cycle().unwrap()), ["a", "b", "c"]);
    assert!(graph.topological().is_empty());
}

#[test]
fn edits_keep_ports_and_names() {
    let mut graph = from_text(DIAMOND);
    let a = graph.find("a").unwrap();
    let distinct = || Op::Distinct(crate::op::Distinct {});
    let inserted = graph.add_step_above(a, "common", distinct());
    assert_eq!(graph.name_of(inserted), "a.common");
    assert_eq!((&graph[inserted].owner, graph[inserted].role), (&Owner::View("a".to_owned()), Role::Step));
    assert_eq!(names(&graph, &graph.inputs(inserted)), ["a"]);
    assert_eq!(graph.consumers(a).len(), 1);
    assert_eq!(graph.consumers(inserted).len(), 2);
    graph.splice_out(inserted);
    assert_eq!(print(&graph), print(&from_text(DIAMOND)), "splicing undoes inserting");
    let again = Node::new("both", distinct());
    assert_eq!(graph.add(again), Err(GraphError::DuplicateName("both".to_owned())));
}

#[test]
fn a_node_in_the_place_of_another_is_what_readers_of_the_name_read() {
    let mut graph = from_text(DIAMOND);
    let a = graph.find("a").unwrap();
    let taken = graph.add_step(a, "below", Op::Distinct(crate::op::Distinct {}));
    let new = graph.put_in_place(a, "below", Op::Distinct(crate::op::Distinct {}));
    assert_eq!(graph.find("a"), Some(new));
    assert_eq!((graph.name_of(a), graph.name_of(taken)), ("a.below2", "a.below"));
    assert!(graph[new].is_result_of("a") && !graph[a].is_result_of("a"));
    assert_eq!(graph[a].owner, graph[new].owner);
    assert_eq!((graph.consumers(a), graph.inputs(new)), (vec![(new, 0)], vec![a]));
    assert_eq!(graph.consumers(new).len(), 2);
}

#[test]
#[should_panic(expected = "removed from the graph")]
fn a_node_that_is_gone_is_a_bug() {
    let mut graph = from_text(DIAMOND);
    let a = graph.find("a").unwrap();
    graph.remove(a);
    let _ = graph.name_of(a);
}

#[test]
fn one_reader_may_read_a_node_twice() {
    let mut graph = from_text(
        "a = scan location=a version=0 rows=1 : {x Int64}\nu = union_by_name a, a sources=[a, a]\n",
    );
    let (a, u) = (graph.find("a").unwrap(), graph.find("u").unwrap());
    assert_eq!(graph.consumers(a), [(u, 0), (u, 1)]);
    let b = graph.add(Node::new("b", Op::Distinct(crate::op::Distinct {}))).unwrap();
    graph.replace_uses(a, b);
    assert_eq!(graph.inputs(u), [b, b]);
    assert_eq!(graph.remove_unreachable().len(), 3, "there is no sink");
}

/// An archive says the phase of its graph beside the edges, so one that was changed may have edges where inputs are names.
#[test]
fn flat_graphs_have_the_inputs_of_their_phase() {
    let mut with_edges = from_text(DIAMOND);
    with_edges.phase = Phase::Lowered;
    let text = "graph t phase=lowered\na = distinct b\nb = distinct\n";
    let mut with_names = parse(text).unwrap().graph;
    assert_eq!(Graph::unflatten(with_names.flatten()), Ok(with_names.clone()));
    with_names.phase = Phase::Resolved;
    for graph in [with_edges, with_names] {
        let refused = Graph::unflatten(graph.flatten());
        assert!(matches!(refused, Err(GraphError::OtherInputs(_))), "{refused:?}");
    }
}
