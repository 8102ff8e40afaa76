//! Somebody else appends to a table while a run computes what it appends there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use delta::{CommitOptions, Location, TableTarget, WriteMode, WriteOptions};
use engine::SegmentOutcome;
use ir::diag::codes;
use ir::stage::Stage;

use super::{compiled_by, count, workers};
use crate::{Cancellation, Observer, Outcome, PipelineError, PublishOptions, Result, Source, publish};

/// Commits a row to a table at a point of a run.
struct Foreign {
    point: &'static str,
    table: PathBuf,
}

/// Commits one row, `k` = `key`.
fn commit(table: &Path, key: i64) {
    let schema = Schema::new(vec![Field::new("k", DataType::Int64, true)]);
    let row = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(vec![key]))]).unwrap();
    let location = Location::parse(&table.display().to_string(), Path::new("/")).unwrap();
    let options = WriteOptions { mode: WriteMode::Append, ..WriteOptions::default() };
    // The run's own threads must not wait for a runtime.
    let committing = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let target = TableTarget::prepare(&location, row.schema(), options).await.unwrap();
            let mut writer = target.writer();
            writer.write(row).await.unwrap();
            let files = writer.close().await.unwrap();
            target.commit(vec![files], &CommitOptions::default()).await.unwrap()
        })
    });
    committing.join().unwrap();
}

impl Foreign {
    fn at(&self, point: &str) {
        if point == self.point {
            commit(&self.table, 7);
        }
    }
}

impl Observer for Foreign {
    fn stage_started(&self, stage: Stage) {
        self.at(&format!("stage {stage}"));
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.at(&format!("end {}", outcome.segment));
    }
}

/// Appends `k` = 7 to a table that has 1, while somebody else does the same.
fn appended(folder: &Path, point: &'static str, assertions: &str) -> Result<Outcome> {
    let spec = format!(
        "version: 4
input_relations: []
view_definitions: [{{name: v, transform: {{kind: Sql, query: SELECT CAST(7 AS BIGINT) AS k}}}}]
output_targets: [{{table_name: o, source_view: v, materialization_mode: Append, assertions: {assertions}}}]
"
    );
    commit(&folder.join("o"), 1);
    let workers = workers(&Cancellation::new());
    let source = Source::from_bytes(spec.as_bytes(), "spec.yaml".into(), "spec", folder).unwrap();
    let compilation = compiled_by(source, &workers)?;
    let foreign = Foreign { point, table: folder.join("o") };
    publish(compilation, &workers, PublishOptions::default(), Arc::new(foreign))
}

/// What holds of a version holds of no other: before its rows are looked at, and after it.
#[test]
fn an_append_that_was_asserted_of_is_not_put_behind_another_one() {
    for point in ["end output o", "stage check"] {
        let folder = tempfile::tempdir().unwrap();
        let error = appended(folder.path(), point, "[{unique: [k]}]").unwrap_err();
        let PipelineError::Findings { diagnostics, .. } = error else { panic!("{point}: {error}") };
        let [found] = diagnostics.as_slice() else { panic!("{point}: {diagnostics:?}") };
        assert_eq!(found.code, codes::COMMIT_CONFLICT, "{point}: {}", found.message);
        assert!(found.message.contains("changed while it was being written: version 1"), "{}", found.message);
        assert_eq!(count(folder.path(), "o", &workers(&Cancellation::new())), 2, "{point}");
    }
}

#[test]
fn an_append_of_which_nothing_is_asserted_comes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = appended(folder.path(), "end output o", "[]").unwrap();
    assert_eq!(outcome.run.outputs[0].version, 2);
    assert_eq!(count(folder.path(), "o", &workers(&Cancellation::new())), 3);
}
