//! The spec of a test, and the tables of what it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::RecordBatch;
use ir::diag::codes;
use ir::graph::Graph;
use ir::schema::Schema;
use ir::spec::{
    InputRelation, ParameterTarget, Spec, Sql, Transform, TypedParameter, ViewDefinition, ViewTest,
};
use passes::Scope;

use crate::query::write_rows;
use crate::{PipelineError, Result, Workers};

/// The view that uses every parameter, so that none is without a use in the part of the spec that is tested.
const PARAMETERS: &str = "parameters";

/// More rows than a spec has room to expect.
const MOST_ROWS: usize = 1_000_000;

/// What of the spec of a test is compiled: the view, with what it needs.
pub(super) fn scope(test: &ViewTest) -> Scope {
    Scope::Rows { name: test.view.clone(), limit: Some(MOST_ROWS) }
}

/// The view and everything that it reads, down to what is given.
pub(super) fn needed(test: &ViewTest, lowered: &Graph) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut open = vec![test.view.clone()];
    while let Some(name) = open.pop() {
        if !needed.insert(name.clone()) || name != test.view && test.given.contains_key(&name) {
            continue;
        }
        let node = lowered.find(&name).map(|id| &lowered[id]);
        open.extend(node.into_iter().flat_map(|node| node.sources.iter().cloned()));
    }
    needed
}

/// The spec of a test: what it gives are inputs with these columns, and the view and what it needs above them stay as they are.
pub(super) fn spec_of(
    spec: &Spec,
    test: &ViewTest,
    needed: &BTreeSet<String>,
    given: &BTreeMap<String, Schema>,
) -> Spec {
    let is_computed =
        |view: &&ViewDefinition| needed.contains(&view.name) && !test.given.contains_key(&view.name);
    let mut views: Vec<ViewDefinition> =
        spec.view_definitions.iter().filter(is_computed).map(computed).collect();
    let parameters: Vec<TypedParameter> =
        spec.typed_parameters.iter().flat_map(|it| bound(spec, it, needed, given)).collect();
    let positions = parameters.iter().filter_map(|parameter| match parameter.target {
        ParameterTarget::PlaceholderPos { position } => Some(format!("${position} AS p{position}")),
        ParameterTarget::FilterEq { .. } => None,
    });
    let positions: Vec<String> = positions.collect();
    if !positions.is_empty() {
        let mut name = PARAMETERS.to_owned();
        while needed.contains(&name) {
            name.push('_');
        }
        views.push(view(&name, Transform::Sql(Sql { query: format!("SELECT {}", positions.join(", ")) })));
    }
    Spec {
        input_relations: given.keys().map(|name| input(name)).collect(),
        view_definitions: views,
        output_targets: Vec::new(),
        typed_parameters: parameters,
        join_graph: Default::default(),
        tests: Vec::new(),
        cache_policy: None,
        ..spec.clone()
    }
}

/// A parameter as a test has it. A filter of all inputs with a column is one of those that are given: a view that is given has
/// the rows that come out of it, whatever its columns are called.
fn bound(
    spec: &Spec,
    parameter: &TypedParameter,
    needed: &BTreeSet<String>,
    given: &BTreeMap<String, Schema>,
) -> Vec<TypedParameter> {
    match &parameter.target {
        ParameterTarget::PlaceholderPos { .. } => vec![parameter.clone()],
        ParameterTarget::FilterEq { base_table: Some(base), .. } => {
            if needed.contains(base) {
                vec![parameter.clone()]
            } else {
                Vec::new()
            }
        }
        ParameterTarget::FilterEq { base_table: None, filter_column } => {
            let inputs = spec.input_relations.iter().map(|input| &input.logical_name);
            let filtered =
                inputs.filter(|name| given.get(*name).is_some_and(|it| it.contains(filter_column)));
            let of_input = |name: &String| TypedParameter {
                target: ParameterTarget::FilterEq {
                    base_table: Some(name.clone()),
                    filter_column: filter_column.clone(),
                },
                ..parameter.clone()
            };
            filtered.map(of_input).collect()
        }
    }
}

/// A view as a test computes it: what it gives, and nothing that is asserted of it.
fn computed(view: &ViewDefinition) -> ViewDefinition {
    // What is given is an input and no view any more.
    ViewDefinition { view_dependencies: None, assertions: Vec::new(), ..view.clone() }
}

fn view(name: &str, transform: Transform) -> ViewDefinition {
    ViewDefinition {
        name: name.to_owned(),
        view_kind: None,
        view_dependencies: None,
        transform,
        output_schema: Default::default(),
        assertions: Vec::new(),
    }
}

fn input(name: &str) -> InputRelation {
    InputRelation {
        logical_name: name.to_owned(),
        delta_location: Some(location(name)),
        ..InputRelation::default()
    }
}

/// Where the rows of a relation are, in the folder of the test. Names of relations need not be names of folders.
pub(super) fn location(relation: &str) -> String {
    format!("given/{}", ir::hash::ContentHash::of(relation.as_bytes()))
}

/// Writes the rows of a relation as a table in the folder of the test.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write(batch: RecordBatch, relation: &str, folder: &Path, workers: &Workers) -> Result<()> {
    write_rows(batch, &location(relation), folder, workers)?.map_err(|error| {
        let message = format!("the rows of `{relation}` cannot be written: {error}");
        PipelineError::finding(codes::TEST_NOT_RUN, message, relation)
    })
}
