//! Segments and their digests follow the DAG.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use datafusion::logical_expr::{EmptyRelation, LogicalPlanBuilder, lit};
use ir::op::{SchemaMode, SinkMode};

use super::*;
use crate::operators::leaf::{ViewReader, ViewReaderNode};

fn sink(location: &str) -> Sink {
    Sink {
        location: location.to_owned(),
        mode: SinkMode::Overwrite,
        schema_mode: SchemaMode::Strict,
        partition_by: Vec::new(),
        sort_by: Vec::new(),
        target_file_size: None,
        metadata: BTreeMap::new(),
        max_commit_retries: None,
        graph: None,
    }
}

fn rows() -> Arc<LogicalPlan> {
    let schema = ArrowSchema::new(vec![Field::new("a", DataType::Int64, true)]);
    let schema = Arc::new(schema.try_into().unwrap());
    Arc::new(LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema }))
}

fn filtered(input: &Arc<LogicalPlan>, keeps: bool) -> Arc<LogicalPlan> {
    let plan = LogicalPlanBuilder::from(input.as_ref().clone()).filter(lit(keeps)).unwrap();
    Arc::new(plan.build().unwrap())
}

fn shared(view: &str, definition: &Arc<LogicalPlan>) -> Arc<LogicalPlan> {
    let node = Arc::new(ViewReaderNode::try_new(ViewReader::Shared, view, Arc::clone(definition)).unwrap());
    Arc::new(LogicalPlan::Extension(Extension { node }))
}

/// `a` reads `v`, which reads `u`; `b` reads `u`, and `c` reads none. `keeps` stands in the definition of `v`.
fn dag(keeps: bool) -> PlanDag {
    let u = shared("u", &filtered(&rows(), true));
    let v = shared("v", &filtered(&u, keeps));
    let written = [("a", filtered(&v, true)), ("b", filtered(&u, true)), ("c", filtered(&rows(), true))];
    let tops = [
        Top::View("u".to_owned()),
        Top::Output("c".to_owned()),
        Top::View("v".to_owned()),
        Top::Output("b".to_owned()),
        Top::Output("a".to_owned()),
    ];
    let facts = |(position, top): (usize, Top)| {
        let kind = match &top {
            Top::View(_) => SegmentKind::SharedView("because".to_owned()),
            Top::Output(name) => SegmentKind::Output(sink(name)),
            Top::Check(name) => unreachable!("{name} is no segment here"),
        };
        let schema = Schema::from_arrow(rows().schema().as_arrow());
        (top, SegmentFacts { position, kind, level: 0, bottom_level: 0, cost: 0, rows: 0, schema })
    };
    let segments = tops.into_iter().enumerate().map(facts).collect();
    let known = Known { segments, scans: BTreeMap::new() };
    let writes = written.iter().map(|(table, plan)| WriteNode::new(table, &sink(table), Arc::clone(plan)));
    PlanDag::new("g", writes.collect(), Vec::new(), known, BTreeMap::new(), None).unwrap()
}

fn titles(dag: &PlanDag) -> Vec<String> {
    dag.segments.iter().map(SegmentPlan::title).collect()
}

#[test]
fn segments_are_those_that_the_root_reaches() {
    let whole = dag(true);
    assert_eq!(titles(&whole), ["view u", "output c", "view v", "output b", "output a"]);
    assert_eq!(whole.segments[2].reads, ["u"]);
    assert_eq!(whole.segments[4].reads, ["v"]);
    let without = whole.clone().of_outputs(|table| table != "a").unwrap();
    assert_eq!(titles(&without), ["view u", "output c", "output b"]);
    let one = whole.clone().of_outputs(|table| table == "c").unwrap();
    assert_eq!(titles(&one), ["output c"]);
    // What is left is what it was.
    assert_eq!(one.digests()[0], whole.digests()[1]);
}

#[test]
fn a_digest_is_of_all_that_lies_below() {
    let (one, other) = (dag(true), dag(false));
    assert_eq!(one.digests(), dag(true).digests());
    let differ: Vec<String> = titles(&one)
        .into_iter()
        .zip(one.digests().into_iter().zip(other.digests()))
        .filter(|(_, (one, other))| one != other)
        .map(|(title, _)| title)
        .collect();
    assert_eq!(differ, ["view v", "output a"], "what changed, and what reads it");
}

#[test]
fn a_segment_that_the_schedule_does_not_know_is_refused() {
    let mut whole = dag(true);
    whole.known.segments.remove(&Top::View("u".to_owned()));
    let refused = whole.of_outputs(|_| true).unwrap_err().to_string();
    assert!(refused.contains("`u`") || refused.contains("u: the schedule"), "{refused}");
}
