//! Plans stay small, whatever the graph and whatever the spec asks for.

use arrow_schema::DataType;
use ir::determinism::Determinism;
use ir::expr::ScalarExpr;
use ir::graph::PlacementChoice;
use ir::op::{Evaluation, Input, Read, Scan, Sink};
use ir::oracle::{ExprType, Oracle, OutputRefusal, TableError, TableFormat, TypeError, TypeErrorKind};
use ir::schema::Schema;

use super::*;

/// Knows nothing; placing asks only how far nodes are deterministic.
struct Nothing;

impl Oracle for Nothing {
    fn table(&self, _: &Input, _: &Read) -> Result<(Scan, Schema), TableError> {
        Err(TableError::Unreadable("there are no tables".to_owned()))
    }

    fn place(&self, _: &str) -> Option<String> {
        None
    }

    fn leads_into(&self, _: &str, _: &str) -> bool {
        false
    }

    fn output(&self, _: &str, _: &Sink, _: &Schema) -> Vec<OutputRefusal> {
        Vec::new()
    }

    fn written(&self, _: &str, _: &Sink, _: &Schema) -> Option<Schema> {
        None
    }

    fn format(&self, _: &Scan) -> Option<TableFormat> {
        None
    }

    fn expression(&self, _: &ScalarExpr, _: Evaluation, _: &Schema) -> Result<ExprType, TypeError> {
        Err(TypeErrorKind::Other("there are no types".to_owned()).into())
    }

    fn schema(&self, _: &Node, _: &[&Schema]) -> Result<Schema, TypeError> {
        Err(TypeErrorKind::Other("there are no types".to_owned()).into())
    }

    fn common_type(&self, _: &[DataType]) -> Option<DataType> {
        None
    }

    fn comparable(&self, _: &DataType, _: &DataType) -> bool {
        false
    }

    fn determinism(&self, _: &Node, _: &[&Schema]) -> Determinism {
        Determinism::Deterministic
    }
}

fn placed(text: &str) -> Graph {
    let mut graph = ir::text::parse(text).unwrap().graph;
    run(&mut graph, &mut Context::new(&Nothing));
    graph
}

/// The operators of all plans that are run: of every shared node and every sink, down to tables and shared nodes.
fn operators(graph: &Graph) -> u128 {
    let mut below: BTreeMap<NodeId, u128> = BTreeMap::new();
    let mut total = 0;
    for id in graph.topological() {
        let input = |(port, input): (usize, NodeId)| {
            let reads = u128::try_from(graph.reads_of_port(id, port)).unwrap();
            reads * if graph[input].is_shared() { 1 } else { below[&input] }
        };
        let own = 1 + graph.ports(id).into_iter().map(input).sum::<u128>();
        if graph[id].is_shared() || graph.consumers(id).is_empty() {
            total += own;
        }
        below.insert(id, own);
    }
    total
}

fn diamonds(header: &str, depth: usize, of: impl Fn(usize) -> String) -> Graph {
    let views: String = (1..=depth).map(of).collect();
    let text = format!(
        "graph g phase=core\n{header}v0 = scan location=t version=0 rows=3\n{views}@o = sink v{depth} location=o mode=overwrite\n"
    );
    placed(&text)
}

fn join(level: usize) -> String {
    let below = level - 1;
    format!("v{level} = join v{below}, v{below} join_type=inner on=[[k, k]] columns=[left.k]\n")
}

fn query(level: usize) -> String {
    let below = level - 1;
    format!(
        "v{level} = query v{below} query=(SELECT x.k FROM v{below} x JOIN v{below} y ON x.k = y.k) relations=[v{below}]\n"
    )
}

#[test]
fn diamonds_of_tiny_views_are_linear() {
    for of in [join, query] {
        let graph = diamonds("", 60, of);
        assert!(operators(&graph) <= 60 * 4, "{} operators", operators(&graph));
    }
}

#[test]
fn no_wish_makes_plans_explode() {
    let never: Vec<String> = (0..60).map(|level| format!("v{level}")).collect();
    for header in [
        format!("cache min_fanout=2 never=[{}]\n", never.join(", ")),
        "cache min_fanout=3\n".to_owned(),
        "cache min_fanout=2 min_estimated_rows=1000\n".to_owned(),
    ] {
        let graph = diamonds(&header, 60, join);
        let all = operators(&graph);
        assert!(all < 60 * 3 * 4096, "{header}: {all} operators");
        let reasons = graph.ids().filter_map(|id| graph.get(id)?.placement.clone());
        let refused: Vec<Placement> =
            reasons.filter(|placement| placement.choice == PlacementChoice::Share).collect();
        assert!(!refused.is_empty(), "{header}");
        assert!(refused.iter().all(|placement| placement.reason.ends_with("4096 are allowed")), "{header}");
    }
}

#[test]
fn a_long_chain_with_an_output_at_every_step_is_linear() {
    let mut text = "graph g phase=core\nv000 = scan location=t version=0 rows=9\n".to_owned();
    for step in 1..=200 {
        text += &format!("v{step:03} = filter v{:03} predicate=(k > {step})\n", step - 1);
        text += &format!("@o{step:03} = sink v{step:03} location=o{step} mode=overwrite\n");
    }
    let graph = placed(&text);
    assert!(operators(&graph) <= 200 * 20, "{} operators", operators(&graph));
}

#[test]
fn an_expensive_expression_is_not_computed_again() {
    let of = |predicate: &str| {
        let graph = placed(&format!(
            "graph g phase=core\nt = scan location=t version=0 rows=1000000\n\
             v = filter t predicate=({predicate})\n\
             @a = sink v location=a mode=overwrite\n@b = sink v location=b mode=overwrite\n"
        ));
        graph[graph.find("v").unwrap()].is_shared()
    };
    assert!(!of("k > 4"));
    assert!(of("regexp_match(name, '^a.*b') IS NOT NULL"));
}
