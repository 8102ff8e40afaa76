//! What the writer of Delta tables says of an output before a row is computed.

use std::num::NonZeroU64;

use delta::{SchemaMode, SortColumn, TableTarget, WriteMode, WriteOptions};
use ir::op::{self, Sink, SinkMode};
use ir::oracle::{OutputProblem, OutputRefusal};
use ir::schema::Schema;

use crate::error::refusals_of;
use crate::tables::Tables;

/// How an output is written.
pub(crate) fn write_options(name: &str, sink: &Sink) -> WriteOptions {
    WriteOptions {
        mode: match sink.mode {
            SinkMode::Append => WriteMode::Append,
            // What has no table has nothing that is written on either.
            SinkMode::Overwrite | SinkMode::Return => WriteMode::Overwrite,
        },
        schema_mode: match sink.schema_mode {
            op::SchemaMode::Strict => SchemaMode::Strict,
            op::SchemaMode::Additive => SchemaMode::Additive,
            op::SchemaMode::Replace => SchemaMode::Replace,
        },
        partition_by: sink.partition_by.clone(),
        sort_by: sink
            .sort_by
            .iter()
            .map(|sort| SortColumn { column: sort.column.clone(), descending: sort.descending })
            .collect(),
        target_file_size: sink.target_file_size.and_then(NonZeroU64::new),
        name: Some(name.to_owned()),
        ..WriteOptions::default()
    }
}

/// Why a run would not write rows of these columns: what the run's own preparation says, on the table the run is based
/// on. Nothing for an output whose table was not asked for.
pub(super) fn refusals(tables: &Tables, name: &str, sink: &Sink, rows: &Schema) -> Vec<OutputRefusal> {
    let reserved = sink.metadata.keys().filter(|key| delta::is_reserved(key)).map(|key| OutputRefusal {
        problem: OutputProblem::Metadata,
        about: Some(key.clone()),
        message: format!("Delta gives `{key}` in a commit a meaning of its own"),
    });
    let mut refusals: Vec<OutputRefusal> = reserved.collect();
    match tables.base(&sink.location) {
        None => {}
        Some(Err(error)) => refusals.extend(refusals_of(error)),
        Some(Ok(base)) => {
            if let Err(errors) = TableTarget::on(base, rows.arrow(), write_options(name, sink)) {
                refusals.extend(errors.iter().flat_map(refusals_of));
            }
        }
    }
    refusals
}

/// The columns of the table of an output once these rows are written; nothing where they would be refused, and for an
/// output whose table was not asked for.
pub(super) fn columns(tables: &Tables, name: &str, sink: &Sink, rows: &Schema) -> Option<Schema> {
    let base = tables.base(&sink.location)?.ok()?;
    let target = TableTarget::on(base, rows.arrow(), write_options(name, sink)).ok()?;
    Some(Schema::from_arrow(target.schema()))
}
