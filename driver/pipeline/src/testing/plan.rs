//! The spec of a test, and the tables of what it gives.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use ir::graph::Graph;
use ir::spec::{
    GivenRows, InputRelation, NamedExpr, OutputTarget, ParameterTarget, Spec, Sql, TestRow, Transform,
    ViewDefinition, ViewTest,
};

use crate::query::write_rows;
use crate::{PipelineError, Result, Workers};

/// The table of the rows of the view.
pub(super) const RESULT: &str = "result";
/// The table that uses every parameter, so that none is without a use in the part of the spec that is tested.
const PARAMETERS: &str = "parameters";

/// What a test gives that its view reads.
pub(super) fn given<'t>(test: &'t ViewTest, lowered: &Graph) -> Vec<(&'t str, &'t GivenRows)> {
    let needed = needed(test, lowered);
    let given = test.given.iter().map(|(name, given)| (name.as_str(), given));
    given.filter(|(name, _)| needed.contains(*name)).collect()
}

/// The view and everything that it reads, down to what is given.
fn needed(test: &ViewTest, lowered: &Graph) -> BTreeSet<String> {
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

/// The spec of a test.
///
/// # Errors
/// When it gives the view that it tests, or not all inputs that this needs.
pub(super) fn spec_of(spec: &Spec, test: &ViewTest, lowered: &Graph) -> Result<Spec, String> {
    if test.given.contains_key(&test.view) {
        return Err(format!("the view `{}` is given and tested", test.view));
    }
    let needed = needed(test, lowered);
    let is_missing = |input: &&InputRelation| {
        needed.contains(&input.logical_name) && !test.given.contains_key(&input.logical_name)
    };
    let missing: Vec<&str> =
        spec.input_relations.iter().filter(is_missing).map(|input| input.logical_name.as_str()).collect();
    if !missing.is_empty() {
        let (view, missing) = (&test.view, missing.join(", "));
        return Err(format!("`{view}` needs {missing}, which the test does not give; add it under `given`"));
    }
    let is_computed =
        |view: &&ViewDefinition| needed.contains(&view.name) && !test.given.contains_key(&view.name);
    let mut views: Vec<ViewDefinition> =
        spec.view_definitions.iter().filter(is_computed).map(computed).collect();
    let mut outputs = vec![output(RESULT, &test.view)];
    let is_kept = |target: &ParameterTarget| match target {
        ParameterTarget::PlaceholderPos { .. } => true,
        ParameterTarget::FilterEq { base_table, .. } => {
            base_table.as_ref().is_none_or(|base| needed.contains(base))
        }
    };
    let parameters: Vec<_> =
        spec.typed_parameters.iter().filter(|parameter| is_kept(&parameter.target)).cloned().collect();
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
        let query = format!("SELECT {}", positions.join(", "));
        views.push(view(&name, Transform::Sql(Sql { query })));
        outputs.push(output(PARAMETERS, &name));
    }
    Ok(Spec {
        input_relations: given(test, lowered).into_iter().map(|(name, _)| input(name)).collect(),
        view_definitions: views,
        output_targets: outputs,
        typed_parameters: parameters,
        join_graph: Default::default(),
        tests: Vec::new(),
        cache_policy: None,
        ..spec.clone()
    })
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
fn location(relation: &str) -> String {
    format!("given/{}", ir::hash::ContentHash::of(relation.as_bytes()))
}

fn output(table: &str, view: &str) -> OutputTarget {
    OutputTarget {
        table_name: table.to_owned(),
        delta_location: None,
        source_view: view.to_owned(),
        columns: Vec::<NamedExpr>::new(),
        materialization_mode: Default::default(),
        schema_mode: Default::default(),
        partition_by: Vec::new(),
        sort_by: Vec::new(),
        write_metadata: Default::default(),
        max_commit_retries: None,
        target_file_size: None,
        assertions: Vec::new(),
    }
}

/// The rows that a test gives, as columns. They may be NULL, whatever the relation says of itself.
///
/// # Errors
/// When nothing says which columns there are, or a row has another one or a value of another type.
pub(super) fn batch(name: &str, given: &GivenRows, typed: Option<&Graph>) -> Result<RecordBatch, String> {
    let fields: Vec<Field> = match given.schema() {
        Some(columns) => columns
            .iter()
            .map(|(column, text)| {
                let wrong =
                    || format!("`{name}` is given with a column `{column}` of `{text}`, which is no type");
                text.parse::<DataType>().map(|kind| Field::new(column, kind, true)).map_err(|_| wrong())
            })
            .collect::<Result<_, String>>()?,
        None => {
            let schema = typed.and_then(|graph| graph[graph.find(name)?].schema.as_ref());
            let unknown = || {
                format!(
                    "the columns of `{name}` are not known, since its table cannot be asked; give \
                     `{{schema: {{column: Int64}}, rows: [...]}}`"
                )
            };
            let known = schema.ok_or_else(unknown)?.fields();
            known.map(|field| Field::new(field.name(), field.data_type().clone(), true)).collect()
        }
    };
    decode(&SchemaRef::new(Schema::new(fields)), given.rows())
        .map_err(|why| format!("the rows of `{name}`: {why}"))
}

/// Rows as a batch of these columns.
pub(super) fn decode(schema: &SchemaRef, rows: &[TestRow]) -> Result<RecordBatch, String> {
    for (number, row) in rows.iter().enumerate() {
        if let Some(column) = row.keys().find(|column| schema.index_of(column).is_err()) {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let near = ir::diag::nearest_name(column, names.iter().copied());
            let near = near.map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
            return Err(format!("row {} has `{column}`, which is no column{near}", number + 1));
        }
    }
    let decoder = ReaderBuilder::new(SchemaRef::clone(schema)).build_decoder();
    let mut decoder = decoder.map_err(|error| error.to_string())?;
    decoder.serialize(rows).map_err(|error| error.to_string())?;
    let batch = decoder.flush().map_err(|error| error.to_string())?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(SchemaRef::clone(schema))))
}

/// Writes the rows of a relation as a table in the folder of the test.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write(batch: RecordBatch, relation: &str, folder: &Path, workers: &Workers) -> Result<()> {
    write_rows(batch, &location(relation), folder, workers)?.map_err(|error| {
        let message = format!("the rows of `{relation}` cannot be written: {error}");
        PipelineError::finding(ir::diag::codes::TEST_NOT_RUN, message, relation)
    })
}
