//! Compilations that start from what an earlier one of the process has left, and those of a part of a spec.

use std::path::Path;
use std::sync::Arc;

use super::{compiled_by, workers};
use crate::{
    Cancellation, Compilation, CompileRequest, Memory, PipelineError, PublishOptions, Scope, Selection,
    Source, Workers, compile, publish,
};

/// Views one over the other, each a query; the first has this literal.
fn spec(views: usize, literal: i64) -> String {
    let mut text = format!(
        "version: 4\ninput_relations: []\nview_definitions:\n  - {{name: v0, transform: {{kind: Sql, query: \"SELECT {literal} AS x\"}}}}\n"
    );
    for view in 1..views {
        let query = format!("SELECT x + {view} AS x FROM v{} WHERE x > 0", view - 1);
        text.push_str(&format!("  - {{name: v{view}, transform: {{kind: Sql, query: \"{query}\"}}}}\n"));
    }
    text.push_str(&format!("output_targets:\n  - {{table_name: t, source_view: v{}}}\n", views - 1));
    text
}

fn source(text: &str, folder: &Path) -> Source {
    Source::from_bytes(text.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap()
}

fn checked(text: &str, folder: &Path, workers: &Workers, memory: Option<&Memory>) -> Compilation {
    let request = CompileRequest { memory, ..CompileRequest::new(source(text, folder), workers) };
    let mut compilation = compile(request).unwrap();
    compilation.plan_for_mistakes(workers).unwrap();
    compilation
}

#[test]
fn what_was_found_is_not_looked_for_again_and_changes_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let memory = Memory::default();
    let with = |text: &str| checked(text, folder.path(), &workers, Some(&memory));
    let first = with(&spec(30, 1));
    assert!(first.oracle.plannings() >= 30 && first.reused.is_none());
    let again = with(&spec(30, 1));
    assert_eq!((again.oracle.plannings(), again.reused), (0, Some(30)));
    let changed = with(&spec(30, 2));
    assert!(
        changed.oracle.plannings() > 0 && changed.oracle.plannings() < 5,
        "{}",
        changed.oracle.plannings()
    );
    assert_eq!(changed.reused, Some(29));
    let alone = checked(&spec(30, 2), folder.path(), &workers, None);
    assert_eq!(ir::text::print(&changed.graph), ir::text::print(&alone.graph));
    // Mistakes are found as ever, and gone when they are.
    let wrong = with(&spec(30, 1).replace("SELECT x + 7 AS x", "SELECT y + 7 AS x"));
    let found = |it: &Compilation| it.diagnostics.iter().map(|it| it.message.clone()).collect::<Vec<_>>();
    let wrong_alone = checked(
        &spec(30, 1).replace("SELECT x + 7 AS x", "SELECT y + 7 AS x"),
        folder.path(),
        &workers,
        None,
    );
    assert_eq!(found(&wrong), found(&wrong_alone));
    assert!(!found(&wrong).is_empty() && found(&with(&spec(30, 1))).is_empty());
    // Other settings are another session.
    let other = format!("{}session: {{config: {{datafusion.optimizer.max_passes: 1}}}}\n", spec(30, 1));
    assert_eq!(with(&other).reused, None);
}

#[test]
fn a_table_that_moved_on_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let memory = Memory::default();
    let run = |literal: &str| {
        let text = spec(2, 1)
            .replace("SELECT 1 AS x", &format!("SELECT {literal}"))
            .replace("table_name: t,", "table_name: t, schema_mode: replace,");
        let compilation = compiled_by(source(&text, folder.path()), &workers).unwrap();
        publish(compilation, &workers, PublishOptions::default(), Arc::new(())).unwrap();
    };
    let reader = "version: 4\ninput_relations: [{logical_name: t, delta_location: t}]\nview_definitions: [{name: v, transform: {kind: Sql, query: SELECT x FROM t}}]\noutput_targets: [{table_name: u, source_view: v}]\n";
    run("1 AS x");
    let first = checked(reader, folder.path(), &workers, Some(&memory));
    run("CAST(1 AS INT) AS x");
    let second = checked(reader, folder.path(), &workers, Some(&memory));
    let text = |it: &Compilation| ir::text::print(&it.graph);
    assert!(text(&first).contains("version=0") && text(&second).contains("version=1"), "{}", text(&second));
}

#[test]
fn what_is_compiled_to_be_looked_at_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let workers = workers(&Cancellation::new());
    let compiled = |scope| {
        let request =
            CompileRequest { scope, ..CompileRequest::new(source(&spec(3, 1), folder.path()), &workers) };
        compile(request)
    };
    let rows = || compiled(Scope::Rows { name: "v1".to_owned(), limit: Some(5) }).unwrap();
    let published = publish(rows(), &workers, PublishOptions::default(), Arc::new(()));
    assert!(matches!(published, Err(PipelineError::OtherScope(_))));
    assert!(matches!(compiled(Scope::Whole).unwrap().preview(&workers), Err(PipelineError::OtherScope(_))));
    let compilation = rows();
    let mut preview = compilation.preview(&workers).unwrap();
    let given: usize = preview.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!((given, preview.scanned().inputs.len()), (1, 0));
    let parts = Scope::Parts(Selection::parse(["v1"]).unwrap());
    let published = publish(compiled(parts).unwrap(), &workers, PublishOptions::default(), Arc::new(()));
    assert!(matches!(published, Err(PipelineError::OtherScope(_))));
    assert!(matches!(
        compiled(Scope::Outputs(Selection::parse(["v9"]).unwrap())),
        Err(PipelineError::Scope(_))
    ));
}
