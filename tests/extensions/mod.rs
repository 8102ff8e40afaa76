//! What an embedding program adds to its sessions, and what specs may use of it.

mod additions;
mod governance;

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_window::cume_dist::cume_dist_udwf;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use engine::{PlanningSurfaceBuilder, PlanningSurfaceSpec, SessionOptions};
use ir::diag::SourceName;
use libtest_mimic::Trial;
use pipeline::{Cancellation, Compilation, CompileRequest, Source, WorkerOptions, Workers, compile};

use crate::harness::{root, trial, write_fixtures};

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, fn()); 12] = [
        ("functions_are_typed_and_run", additions::functions_are_typed_and_run),
        ("a_version_moves_the_surface", additions::a_version_moves_the_surface),
        ("planners_are_asked_in_their_places", additions::planners_are_asked_in_their_places),
        ("a_rewrite_sees_expressions_and_queries", additions::a_rewrite_sees_expressions_and_queries),
        ("nodes_are_planned_in_the_session", additions::nodes_are_planned_in_the_session),
        ("additions_without_names_are_refused", additions::additions_without_names_are_refused),
        ("strict_refuses_before_tables_are_opened", governance::strict_refuses_before_tables_are_opened),
        ("functions_count_where_they_are_called", governance::functions_count_where_they_are_called),
        ("parts_count_where_they_are_registered", governance::parts_count_where_they_are_registered),
        ("names_of_nothing_are_told", governance::names_of_nothing_are_told),
        ("all_that_ships_has_one_name", governance::all_that_ships_has_one_name),
        ("the_manifest_has_names", governance::the_manifest_has_names),
    ];
    tests.map(|(name, test)| trial(format!("extensions::{name}"), test)).into()
}

/// Twice a number.
fn doubled(values: &[ColumnarValue]) -> datafusion::common::Result<ColumnarValue> {
    let [value] = values else { panic!("one argument is declared") };
    let numbers = value.to_array(1)?;
    let doubled: Int64Array = numbers.as_primitive::<Int64Type>().unary(|number| number * 2);
    let doubled: ArrayRef = Arc::new(doubled);
    Ok(match value {
        ColumnarValue::Array(_) => ColumnarValue::Array(doubled),
        ColumnarValue::Scalar(_) => {
            ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&doubled, 0)?)
        }
    })
}

/// `acme_double`, which is called `acme_twice` too.
fn double() -> Arc<ScalarUDF> {
    let function = create_udf(
        "acme_double",
        vec![DataType::Int64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(doubled),
    );
    Arc::new(function.with_aliases(["acme_twice"]))
}

/// The functions of an embedding program: `acme_double`; DataFusion's `avg` and `cume_dist`, each with one more name.
fn functions(version: &str) -> PlanningSurfaceBuilder {
    let mean = Arc::new(avg_udaf().as_ref().clone().with_aliases(["acme_mean"]));
    let part = Arc::new(cume_dist_udwf().as_ref().clone().with_aliases(["acme_part"]));
    PlanningSurfaceSpec::builder()
        .scalar_function(double(), version)
        .aggregate_function(mean, "1")
        .window_function(part, "1")
}

/// Workers whose sessions have these additions.
fn workers(added: PlanningSurfaceBuilder) -> Workers {
    let session = SessionOptions {
        target_partitions: 2,
        memory_limit_bytes: 256 << 20,
        spill_limit_bytes: Some(1 << 30),
        ..SessionOptions::for_this_machine()
    };
    let extensions = added.build().expect("the additions have names and versions");
    Workers::new(WorkerOptions { session, extensions, ..WorkerOptions::default() }, Cancellation::new())
}

/// A folder with the tables `lake/nodes` and `lake/files`.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder is made");
    write_fixtures(&root().join("tests/identity/tables"), &home.path().join("lake"));
    home
}

/// A spec with the input `nodes`, these lines of settings, and a view `v` that is written.
fn spec(settings: &str, transform: &str) -> String {
    format!(
        "version: 4\n{settings}input_relations: [{{logical_name: nodes, delta_location: lake/nodes}}]\n\
         view_definitions:\n  - name: v\n    transform: {transform}\n\
         output_targets: [{{table_name: out, source_view: v}}]\n"
    )
}

fn compiled(text: &str, home: &Path, workers: &Workers) -> Compilation {
    let source = Source::from_bytes(text.as_bytes(), SourceName::new("spec.yaml"), "spec", home);
    let source = source.unwrap_or_else(|error| panic!("{error:?}"));
    compile(CompileRequest::new(source, workers)).unwrap_or_else(|error| panic!("{error:?}"))
}
